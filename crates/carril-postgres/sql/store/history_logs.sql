-- What attempts printed. $1 execution. By primary key.
SELECT l.run, ds.stage || '/' || ds.name, l.attempt, l.log
FROM step_log l
JOIN execution e ON e.id = l.execution_id
JOIN process p ON p.id = e.process_id
JOIN definition_step ds ON ds.definition_id = p.definition_id AND ds.step = l.step
WHERE l.execution_id = $1::bigint
ORDER BY l.run, l.step, l.attempt;
