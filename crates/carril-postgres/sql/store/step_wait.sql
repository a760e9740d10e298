-- Steps were reached that wait. Those that are known already are not in the answer. The claim was looked at before, in the same transaction.
-- Of each: $1 execution, $2 run, $3 step, $4 attempt, $5 began (microseconds). By primary key.
INSERT INTO step (execution_id, run, step, attempt, state, began)
SELECT w.execution_id, w.run, w.step, w.attempt, 7, w.began
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS w (execution_id, run, step, attempt, began)
ON CONFLICT DO NOTHING
RETURNING execution_id, run, step, attempt;
