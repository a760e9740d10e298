-- Single waits that were long enough for the trace. The claims were looked at before, in the same transaction.
-- Of each: $1 execution, $2 run, $3 began (microseconds), $4 cause, $5 step or -1, $6 how long (microseconds), $7 about. By primary key.
INSERT INTO wait (execution_id, run, began, cause, step, micros, about)
SELECT w.execution_id, w.run, w.began, w.cause, w.step, w.micros, w.about
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[])
  AS w (execution_id, run, began, cause, step, micros, about)
ON CONFLICT (execution_id, run, began, cause, step) DO UPDATE SET micros = excluded.micros, about = excluded.about;
