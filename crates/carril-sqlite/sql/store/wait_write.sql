-- A single wait that was long enough for the trace. Refused (no row) when the claim is no longer right, as in step_end.
-- ?1 execution, ?2 run, ?3 token, ?4 began (microseconds), ?5 cause, ?6 step or -1, ?7 how long (microseconds), ?8 about. By primary keys.
INSERT OR IGNORE INTO wait (execution_id, run, began, cause, step, micros, about)
VALUES ((SELECT id FROM execution WHERE id = ?1 AND token = ?3 AND run = ?2 AND state = 1), ?2, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (execution_id, run, began, cause, step) DO UPDATE SET micros = excluded.micros, about = excluded.about;
