-- The entities of executions that another program ran. One whose key is there already is not counted.
-- Of each: $1 execution, $2 process, $3 key, $4 attributes (JSON). Indexes: the primary key and entity_by_key.
INSERT INTO entity (execution_id, process_id, entity_key, attributes)
SELECT w.execution_id, w.process_id, w.entity_key, w.attributes
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) AS w (execution_id, process_id, entity_key, attributes)
ON CONFLICT DO NOTHING;
