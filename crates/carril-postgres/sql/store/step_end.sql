-- Attempts ended: the hottest statement. Those that are over already are not in the answer. The claim was looked at before, in the same
-- transaction.
-- Of each: $1 execution, $2 run, $3 step, $4 attempt, $5 state, $6 began, $7 how long (microseconds). By primary key.
INSERT INTO step (execution_id, run, step, attempt, state, began, micros)
SELECT w.execution_id, w.run, w.step, w.attempt, w.state, w.began, w.micros
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
  AS w (execution_id, run, step, attempt, state, began, micros)
ON CONFLICT (execution_id, run, step, attempt) DO UPDATE
SET state = excluded.state, began = excluded.began, micros = excluded.micros
WHERE step.state IN (1, 7)
RETURNING execution_id, run, step, attempt;
