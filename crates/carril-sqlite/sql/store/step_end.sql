-- An attempt ended: the hottest statement. Refused (no row) when the claim is no longer right: its id is then null, which no
-- attempt may have. One VALUES row and not a SELECT, because SQLite keeps a journal for each statement that may write many
-- rows, at twice the cost of the statement itself.
-- ?1 execution, ?2 run, ?3 step, ?4 attempt, ?5 state, ?6 began, ?7 how long (microseconds), ?8 token. By primary keys.
INSERT OR IGNORE INTO step (execution_id, run, step, attempt, state, began, micros)
VALUES ((SELECT id FROM execution WHERE id = ?1 AND token = ?8 AND run = ?2 AND state = 1), ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (execution_id, run, step, attempt) DO UPDATE
SET state = excluded.state, began = excluded.began, micros = excluded.micros
WHERE step.state IN (1, 7);
