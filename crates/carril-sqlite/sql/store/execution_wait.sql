-- A claimed execution has nothing left but waiting, in the middle of its segment; it keeps its lane key. Refused (no row) when the claim
-- is no longer right.
-- ?1 execution, ?2 run, ?3 token, ?4 process, ?5 the process's own, ?6 wake at (microseconds) or null, ?7 cause, ?8 about,
-- ?9 since (microseconds), ?10 sums (JSON). By primary key; enters execution_wake.
UPDATE execution SET state = 2, parked = 1, node = NULL, wake_at = ?6, cause = ?7, about = ?8, since = ?9, sums = ?10
WHERE id = ?1 AND run = ?2 AND token = ?3 AND state = 1 AND process_id = ?4 AND per_process = ?5;
