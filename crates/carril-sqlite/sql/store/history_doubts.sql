-- Last attempts, in the present runs of a process, of steps that failed, succeeded by their fallback, or ran instead of another.
-- SQLite takes bare columns from the row of max. ?1 process, ?2 JSON list of steps that only run instead of others.
-- By primary keys, within the process's own range.
SELECT e.id, n.entity_key, s.step, s.state, coalesce(d.fallback, 0) AS fallback, max(s.attempt)
FROM process p
CROSS JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id
CROSS JOIN step s ON s.execution_id = e.id AND s.run = e.run
LEFT JOIN step_detail d ON d.execution_id = s.execution_id AND d.run = s.run AND d.step = s.step AND d.attempt = s.attempt
LEFT JOIN entity n ON n.execution_id = e.id
WHERE p.id = ?1
GROUP BY e.id, s.step
HAVING s.state = 3 OR (s.state = 2 AND (fallback = 1 OR s.step IN (SELECT value FROM json_each(?2))))
ORDER BY e.id, s.step;
