-- A single wait that was long enough for the trace; one that is written again from the same beginning replaces what was kept. Refused
-- (no row) when the claim is no longer right, as in step_end.
-- ?1 execution, ?2 run, ?3 token, ?4 began (microseconds), ?5 cause, ?6 step or -1, ?7 how long (microseconds), ?8 about, ?9 who held it
-- up as lists show it, ?10 the same as JSON. By primary keys.
INSERT OR IGNORE INTO wait (execution_id, run, began, cause, step, micros, about, blocker, lock)
VALUES ((SELECT id FROM execution WHERE id = ?1 AND token = ?3 AND run = ?2 AND state = 1), ?2, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (execution_id, run, began, cause, step)
DO UPDATE SET micros = excluded.micros, about = excluded.about, blocker = excluded.blocker, lock = excluded.lock;
