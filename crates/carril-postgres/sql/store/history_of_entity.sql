-- Executions of an entity, of the newest processes first. $1 entity, $2 how many. By entity_by_key, once per process.
SELECT x.* FROM process p JOIN entity n ON n.process_id = p.id AND n.entity_key = $1::text JOIN execution_row x ON x.id = n.execution_id
WHERE p.state > 0
ORDER BY p.id DESC LIMIT $2::bigint;
