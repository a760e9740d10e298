-- Attempts under way by the resource that their step names, over all unsettled processes. No parameters.
-- Indexes: execution_running, read whole, which holds what is in a lane; then primary keys.
SELECT j.value, count(*)
FROM execution e
JOIN process p ON p.id = e.process_id AND p.state < 3 AND p.state > 0 AND p.ended_at IS NULL
JOIN step s ON s.execution_id = e.id AND s.run = e.run AND s.state = 1
JOIN definition_step d ON d.definition_id = p.definition_id AND d.step = s.step
CROSS JOIN LATERAL json_array_elements_text(d.resources::json) AS j (value)
WHERE e.state = 1
GROUP BY j.value;
