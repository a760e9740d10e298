-- A step was reached that waits. Refused (no row) when the claim is no longer right: its id is then null, which no attempt may have.
-- ?1 execution, ?2 run, ?3 step, ?4 attempt, ?5 began (microseconds), ?6 token. By primary keys.
INSERT OR IGNORE INTO step (execution_id, run, step, attempt, state, began)
VALUES ((SELECT id FROM execution WHERE id = ?1 AND token = ?6 AND run = ?2 AND state = 1), ?2, ?3, ?4, 7, ?5);
