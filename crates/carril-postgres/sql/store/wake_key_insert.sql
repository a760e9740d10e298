-- Says what wakes parked executions.
-- Of each: $1 execution, $2 key. By primary key.
INSERT INTO wake_key (execution_id, wake_key)
SELECT w.execution_id, w.wake_key FROM unnest($1::bigint[], $2::text[]) AS w (execution_id, wake_key)
ON CONFLICT DO NOTHING;
