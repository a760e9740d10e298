-- An attempt began. Refused (no row) when the claim is no longer right: its id is then null, which no attempt may have; or when
-- the attempt is known already. One VALUES row and not a SELECT, because SQLite keeps a journal for each statement that may
-- write many rows, at twice the cost of the statement itself.
-- ?1 execution, ?2 run, ?3 step, ?4 attempt, ?5 began (microseconds), ?6 token. By primary keys.
INSERT OR IGNORE INTO step (execution_id, run, step, attempt, state, began)
VALUES ((SELECT id FROM execution WHERE id = ?1 AND token = ?6 AND run = ?2 AND state = 1), ?2, ?3, ?4, 1, ?5);
