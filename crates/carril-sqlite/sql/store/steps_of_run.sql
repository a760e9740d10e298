-- All attempts of a run in order of step and attempt; the last of each step is the one that counts.
-- ?1 execution, ?2 run. By primary key.
SELECT step, attempt, failures, state, retry_at, fallback, output, error, table_rows
FROM step WHERE execution_id = ?1 AND run = ?2
ORDER BY step, attempt;
