-- Where steps are: the last attempt of each, in the present runs of some executions of a process, in order of execution and step.
-- SQLite takes bare columns from the row of max. ?1 process, ?2 above this execution, ?3 up to this one.
-- By primary keys, within the process's own range.
SELECT e.id, s.step, s.state, max(s.attempt)
FROM process p
CROSS JOIN execution e ON e.id BETWEEN max(p.first_execution, ?2 + 1) AND min(p.last_execution, ?3) AND e.process_id = p.id
CROSS JOIN step s ON s.execution_id = e.id AND s.run = e.run
WHERE p.id = ?1
GROUP BY e.id, s.step;
