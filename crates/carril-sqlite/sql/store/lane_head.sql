-- Says whether an execution heads its lane key, and charges its account for the change; a paused one goes on being paused.
-- ?1 execution, ?2 ready (0 or 1), ?3 cause, ?4 about, ?5 since (microseconds), ?6 sums (JSON). By primary key; moves execution_claim.
UPDATE execution
SET ready = ?2, cause = CASE WHEN state = 0 AND (SELECT p.state FROM process p WHERE p.id = process_id) = 2 THEN 'paused' ELSE ?3 END, about = ?4, since = ?5, sums = ?6
WHERE id = ?1;
