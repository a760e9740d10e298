-- Where steps are: the last attempt of each, in the present runs of some executions of a process, in order of execution and step.
-- $1 process, $2 above this execution, $3 up to this one. By primary keys, within the process's own range.
SELECT DISTINCT ON (e.id, s.step) e.id, s.step, s.state
FROM process p
JOIN execution e ON e.id BETWEEN greatest(p.first_execution, $2::bigint + 1) AND least(p.last_execution, $3::bigint) AND e.process_id = p.id
JOIN step s ON s.execution_id = e.id AND s.run = e.run
WHERE p.id = $1::bigint
ORDER BY e.id, s.step, s.attempt DESC;
