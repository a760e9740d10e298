-- Keeps what attempts printed; their rows have just been accepted.
-- Of each: $1 execution, $2 run, $3 step, $4 attempt, $5 text. By primary key.
INSERT INTO step_log (execution_id, run, step, attempt, log)
SELECT w.execution_id, w.run, w.step, w.attempt, w.log
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[]) AS w (execution_id, run, step, attempt, log)
ON CONFLICT (execution_id, run, step, attempt) DO UPDATE SET log = excluded.log;
