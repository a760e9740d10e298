-- An execution whose engine is gone becomes pending again; while its process is paused, that is what it waits for.
-- ?1 execution, ?2 cause, ?3 about, ?4 since (microseconds), ?5 sums (JSON). By primary key; enters execution_claim.
UPDATE execution
SET state = 0, node = NULL, cause = CASE (SELECT p.state FROM process p WHERE p.id = process_id) WHEN 2 THEN 'paused' ELSE ?2 END, about = ?3, since = ?4, sums = ?5
WHERE id = ?1 AND state = 1;
