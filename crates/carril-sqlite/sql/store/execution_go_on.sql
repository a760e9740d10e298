-- An execution that was parked in the middle of its segment is ready for a lane again, and keeps its lane key until it has one; while
-- its process is paused, that is what it waits for.
-- ?1 execution, ?2 since (microseconds), ?3 sums (JSON). By primary key; leaves execution_wake, enters execution_claim.
UPDATE execution
SET state = 0, wake_at = NULL, about = NULL, since = ?2, sums = ?3,
  cause = CASE (SELECT p.state FROM process p WHERE p.id = process_id) WHEN 2 THEN 'paused' ELSE 'queued' END
WHERE id = ?1 AND state = 2 AND parked = 1;
