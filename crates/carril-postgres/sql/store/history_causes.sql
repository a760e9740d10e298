-- Unsettled executions of a process by cause. $1 process. By primary key, within the process's own range.
SELECT e.cause, count(*)
FROM process p
JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id
WHERE p.id = $1::bigint AND e.state < 3
GROUP BY e.cause;
