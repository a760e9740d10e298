-- The entities of new executions. One whose key is there already is not in the answer.
-- $1 executions, $2 process, $3 keys, $4 attributes (JSON), $5 when they were launched, if not with the process (microseconds).
-- Indexes: the primary key and entity_by_key.
INSERT INTO entity (execution_id, process_id, entity_key, attributes, launched_at)
SELECT w.execution_id, $2::bigint, w.entity_key, w.attributes, $5::bigint
FROM unnest($1::bigint[], $3::text[], $4::text[]) AS w (execution_id, entity_key, attributes)
ON CONFLICT DO NOTHING
RETURNING execution_id;
