-- What attempts of a process used, resource by resource in order of time. ?1 process. By primary keys, within the process's own range.
SELECT u.resource, u.execution_id, u.entity_key, u.began, u.ended
FROM process p
CROSS JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id
CROSS JOIN use_row u ON u.execution_id = e.id
WHERE p.id = ?1
ORDER BY u.resource, u.began, u.execution_id;
