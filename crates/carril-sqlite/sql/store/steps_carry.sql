-- Takes a step's latest attempt over from the run before; its log stays there.
-- ?1 execution, ?2 the run before, ?3 step. By primary key.
INSERT INTO step (execution_id, run, step, attempt, state, began, micros, failures, fallback, retry_at, carried_from, reason, output, table_rows, error, waits)
SELECT execution_id, run + 1, step, attempt, state, began, micros, failures, fallback, retry_at, coalesce(carried_from, run), reason, output,
  table_rows, error, waits
FROM step WHERE execution_id = ?1 AND run = ?2 AND step = ?3
ORDER BY attempt DESC LIMIT 1;
