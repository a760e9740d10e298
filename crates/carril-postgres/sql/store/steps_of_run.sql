-- All attempts of runs in order of execution, step and attempt; the last of each step is the one that counts.
-- Of each: $1 execution, $2 run. By primary keys.
SELECT s.execution_id, s.step, s.attempt, coalesce(d.failures, 0), s.state, d.retry_at, coalesce(d.fallback, false), d.output, d.error, d.table_rows,
  s.began, s.began + s.micros
FROM unnest($1::bigint[], $2::bigint[]) AS w (execution_id, run)
JOIN step s ON s.execution_id = w.execution_id AND s.run = w.run
LEFT JOIN step_detail d ON d.execution_id = s.execution_id AND d.run = s.run AND d.step = s.step AND d.attempt = s.attempt
ORDER BY s.execution_id, s.step, s.attempt;
