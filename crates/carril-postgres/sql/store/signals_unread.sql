-- The signals of executions that no step has taken, oldest first.
-- $1 executions. By primary key, over the executions' own signals.
SELECT execution_id, number, wake_key, data, run, sent_by, sent_at
FROM signal WHERE execution_id = ANY($1::bigint[]) AND taken_run IS NULL ORDER BY execution_id, number;
