-- Last attempts, in the present runs of a process, of steps that failed, succeeded by their fallback, or ran instead of another.
-- $1 process, $2 steps that only run instead of others. By primary keys, within the process's own range.
SELECT l.id, n.entity_key, l.step, l.state, l.fallback
FROM (
  SELECT DISTINCT ON (e.id, s.step) e.id, s.step, s.state, coalesce(d.fallback, false) AS fallback
  FROM process p
  JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id
  JOIN step s ON s.execution_id = e.id AND s.run = e.run
  LEFT JOIN step_detail d ON d.execution_id = s.execution_id AND d.run = s.run AND d.step = s.step AND d.attempt = s.attempt
  WHERE p.id = $1::bigint
  ORDER BY e.id, s.step, s.attempt DESC
) l
LEFT JOIN entity n ON n.execution_id = l.id
WHERE l.state = 3 OR (l.state = 2 AND (l.fallback OR l.step = ANY($2::bigint[])))
ORDER BY l.id, l.step;
