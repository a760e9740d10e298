-- All attempts of a run in order of step and attempt; the last of each step is the one that counts.
-- ?1 execution, ?2 run. By primary keys.
SELECT s.step, s.attempt, coalesce(d.failures, 0), s.state, d.retry_at, coalesce(d.fallback, 0), d.output, d.error, d.table_rows, s.began, s.began + s.micros
FROM step s
LEFT JOIN step_detail d ON d.execution_id = s.execution_id AND d.run = s.run AND d.step = s.step AND d.attempt = s.attempt
WHERE s.execution_id = ?1 AND s.run = ?2
ORDER BY s.step, s.attempt;
