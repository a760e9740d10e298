-- Signals that came to an execution, in order. $1 execution, $2 how many. By primary keys.
SELECT s.number, s.wake_key, s.data, s.sent_by, s.sent_at, s.run, s.taken_run, d.stage || '/' || d.name, s.taken_at
FROM signal s
JOIN execution e ON e.id = s.execution_id
JOIN process p ON p.id = e.process_id
LEFT JOIN definition_step d ON d.definition_id = p.definition_id AND d.step = s.taken_step
WHERE s.execution_id = $1::bigint ORDER BY s.number LIMIT $2::bigint;
