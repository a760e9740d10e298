-- Raises an execution's token, so that nobody who had it may write for it, and says that its effects are being removed.
-- ?1 execution, ?2 now (microseconds). By primary key; enters execution_rolling_back.
UPDATE execution SET token = token + 1, rolling_back = 1, cause = 'rolling_back', about = NULL, since = ?2 WHERE id = ?1 AND state > 2
RETURNING token;
