-- An attempt began. Refused (no row) when the claim is no longer right or the attempt is known already.
-- ?1 execution, ?2 run, ?3 step, ?4 attempt, ?5 began (microseconds), ?6 token. By primary keys.
INSERT INTO step (execution_id, run, step, attempt, state, began)
SELECT ?1, ?2, ?3, ?4, 1, ?5
WHERE EXISTS (SELECT 1 FROM execution WHERE id = ?1 AND token = ?6 AND run = ?2 AND state = 1)
ON CONFLICT (execution_id, run, step, attempt) DO NOTHING;
