-- Executions of an entity, of the newest processes first. $1 entity, $2 how many. By primary key, newest first, and entity_by_key once per
-- process (OFFSET 0 keeps the planner from reading that index whole).
SELECT x.*
FROM process p
CROSS JOIN LATERAL (SELECT n.execution_id FROM entity n WHERE n.process_id = p.id AND n.entity_key = $1::text OFFSET 0) n
JOIN execution_row x ON x.id = n.execution_id
WHERE p.state > 0
ORDER BY p.id DESC LIMIT $2::bigint;
