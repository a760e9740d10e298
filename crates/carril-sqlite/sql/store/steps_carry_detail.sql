-- Says of an attempt that was just taken over from which run it came, and what that had to say; its log stays there.
-- ?1 execution, ?2 the run before, ?3 step. By primary keys.
INSERT INTO step_detail (execution_id, run, step, attempt, failures, fallback, retry_at, carried_from, reason, output, table_rows, error, waits)
SELECT s.execution_id, s.run + 1, s.step, s.attempt, coalesce(d.failures, 0), coalesce(d.fallback, 0), d.retry_at,
  coalesce(d.carried_from, s.run), d.reason, d.output, d.table_rows, d.error, d.waits
FROM step s
LEFT JOIN step_detail d ON d.execution_id = s.execution_id AND d.run = s.run AND d.step = s.step AND d.attempt = s.attempt
WHERE s.execution_id = ?1 AND s.run = ?2 AND s.step = ?3
ORDER BY s.attempt DESC LIMIT 1;
