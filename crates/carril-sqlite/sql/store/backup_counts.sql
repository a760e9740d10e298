-- What a store holds, for whoever keeps a copy of it: processes, executions of entities, and executions that have not settled.
-- No parameters. Reads every process and its executions once, within the process's own range of the primary key.
SELECT count(DISTINCT p.id), count(e.id) FILTER (WHERE e.per_process = 0), count(e.id) FILTER (WHERE e.state < 3)
FROM process p
LEFT JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id
WHERE p.state > 0;
