-- Attempts under way in a process, longest first. $1 process, $2 how many. By primary keys, within the process's own range.
SELECT a.* FROM process p
JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id AND e.state = 1
JOIN attempt_row a ON a.execution_id = e.id AND a.run = e.run AND a.state = 1
WHERE p.id = $1::bigint
ORDER BY a.began LIMIT $2::bigint;
