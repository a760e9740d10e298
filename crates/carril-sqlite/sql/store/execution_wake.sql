-- A waiting execution becomes pending, for a lane or for the one before it.
-- ?1 execution, ?2 since (microseconds), ?3 sums (JSON). By primary key; enters execution_claim when it is ready.
UPDATE execution
SET state = 0, cause = CASE ready WHEN 1 THEN 'queued' ELSE 'key' END, about = NULL, since = ?2, sums = ?3
WHERE id = ?1 AND state = 2;
