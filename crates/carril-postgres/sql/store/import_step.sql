-- Attempts of executions that another program ran.
-- Of each: $1 execution, $2 step, $3 attempt, $4 state, $5 began, $6 how long (microseconds).
INSERT INTO step (execution_id, run, step, attempt, state, began, micros)
SELECT w.execution_id, 1, w.step, w.attempt, w.state, w.began, w.micros
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
  AS w (execution_id, step, attempt, state, began, micros);
