-- Executions' entities; no row for a process's own execution.
-- $1 executions. By primary key.
SELECT execution_id, entity_key, attributes FROM entity WHERE execution_id = ANY($1::bigint[]);
