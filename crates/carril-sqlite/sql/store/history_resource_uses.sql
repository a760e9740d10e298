-- Attempts under way by the resource that their step names, over all unsettled processes. No parameters.
-- Index: process_unsettled, then primary keys within each process's own range; the plus signs keep an index from being made for the query.
SELECT j.value, count(*)
FROM process p INDEXED BY process_unsettled
CROSS JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND +e.process_id = p.id AND +e.state = 1
CROSS JOIN step s ON s.execution_id = e.id AND s.run = e.run AND s.state = 1
CROSS JOIN definition_step d ON d.definition_id = p.definition_id AND d.step = s.step
CROSS JOIN json_each(d.resources) j
WHERE p.state < 3 AND p.state > 0 AND p.ended_at IS NULL
GROUP BY j.value;
