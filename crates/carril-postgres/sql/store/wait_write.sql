-- Single waits that were long enough for the trace; one that is written again from the same beginning replaces what was kept. The
-- claims were looked at before, in the same transaction.
-- Of each: $1 execution, $2 run, $3 began (microseconds), $4 cause, $5 step or -1, $6 how long (microseconds), $7 about, $8 who held it
-- up as lists show it, $9 the same as JSON. By primary key.
INSERT INTO wait (execution_id, run, began, cause, step, micros, about, blocker, lock)
SELECT w.execution_id, w.run, w.began, w.cause, w.step, w.micros, w.about, w.blocker, w.lock
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::text[])
  AS w (execution_id, run, began, cause, step, micros, about, blocker, lock)
ON CONFLICT (execution_id, run, began, cause, step)
DO UPDATE SET micros = excluded.micros, about = excluded.about, blocker = excluded.blocker, lock = excluded.lock;
