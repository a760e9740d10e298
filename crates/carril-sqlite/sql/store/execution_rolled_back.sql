-- All effects of an execution are gone. Refused (no row) when it is not being rolled back by this claim.
-- ?1 execution, ?2 run, ?3 token, ?4 when (microseconds), ?5 cause, ?6 about, ?7 since (microseconds), ?8 sums (JSON). By primary key.
UPDATE execution SET state = 7, rolling_back = 0, cancelling = 0, ended_at = coalesce(ended_at, ?4), cause = ?5, about = ?6, since = ?7, sums = ?8
WHERE id = ?1 AND run = ?2 AND token = ?3 AND rolling_back = 1;
