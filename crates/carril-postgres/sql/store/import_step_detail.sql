-- What there is to say about attempts of executions that another program ran.
-- Of each: $1 execution, $2 step, $3 attempt, $4 failures, $5 reason, $6 error (JSON).
INSERT INTO step_detail (execution_id, run, step, attempt, failures, reason, error)
SELECT w.execution_id, 1, w.step, w.attempt, w.failures, w.reason, w.error
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[])
  AS w (execution_id, step, attempt, failures, reason, error);
