-- An attempt ended with nothing to say about it: the hot case. Refused (no row) when the claim is no longer right.
-- ?1 execution, ?2 run, ?3 step, ?4 attempt, ?5 state, ?6 began, ?7 how long (microseconds), ?8 token. By primary keys.
INSERT INTO step (execution_id, run, step, attempt, state, began, micros)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
WHERE EXISTS (SELECT 1 FROM execution WHERE id = ?1 AND token = ?8 AND run = ?2 AND state = 1)
ON CONFLICT (execution_id, run, step, attempt) DO UPDATE
SET state = excluded.state, began = excluded.began, micros = excluded.micros
WHERE step.state = 1;
