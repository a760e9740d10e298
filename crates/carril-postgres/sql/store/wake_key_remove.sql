-- Executions wait for none of their keys any more.
-- $1 executions. By primary key.
DELETE FROM wake_key WHERE execution_id = ANY($1::bigint[]);
