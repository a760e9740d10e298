-- An attempt ended with something to say about it. Refused (no row) when the claim is no longer right.
-- ?1 execution, ?2 run, ?3 step, ?4 attempt, ?5 state, ?6 began, ?7 how long (microseconds), ?8 token, ?9 failures, ?10 fallback,
-- ?11 retry at (microseconds), ?12 reason, ?13 output, ?14 rows, ?15 error, ?16 waits (JSON each). By primary keys.
INSERT INTO step (execution_id, run, step, attempt, state, began, micros, failures, fallback, retry_at, reason, output, table_rows, error, waits)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16
WHERE EXISTS (SELECT 1 FROM execution WHERE id = ?1 AND token = ?8 AND run = ?2 AND state = 1)
ON CONFLICT (execution_id, run, step, attempt) DO UPDATE
SET state = excluded.state, began = excluded.began, micros = excluded.micros, failures = excluded.failures, fallback = excluded.fallback,
  retry_at = excluded.retry_at, reason = excluded.reason, output = excluded.output, table_rows = excluded.table_rows,
  error = excluded.error, waits = excluded.waits
WHERE step.state = 1;
