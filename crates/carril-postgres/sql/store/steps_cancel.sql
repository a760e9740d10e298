-- Attempts under way, and waits, of executions that were settled from outside were cancelled.
-- Of each: $1 execution, $2 run, $3 when (microseconds). By primary key.
UPDATE step s SET state = 5, micros = greatest(0, w.at - s.began)
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS w (execution_id, run, at)
WHERE s.execution_id = w.execution_id AND s.run = w.run AND s.state IN (1, 7);
