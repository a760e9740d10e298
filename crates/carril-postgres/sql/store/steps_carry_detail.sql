-- Says of attempts that were just taken over from which run they came, and what that had to say; their logs stay there.
-- Of each: $1 execution, $2 the run before, $3 step. By primary keys.
INSERT INTO step_detail (execution_id, run, step, attempt, failures, fallback, retry_at, carried_from, reason, output, table_rows, error, waits)
SELECT l.execution_id, l.run + 1, l.step, l.attempt, coalesce(d.failures, 0), coalesce(d.fallback, false), d.retry_at,
  coalesce(d.carried_from, l.run), d.reason, d.output, d.table_rows, d.error, d.waits
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS w (execution_id, run, step)
CROSS JOIN LATERAL (
  SELECT s.* FROM step s
  WHERE s.execution_id = w.execution_id AND s.run = w.run AND s.step = w.step
  ORDER BY s.attempt DESC LIMIT 1
) l
LEFT JOIN step_detail d ON d.execution_id = l.execution_id AND d.run = l.run AND d.step = l.step AND d.attempt = l.attempt;
