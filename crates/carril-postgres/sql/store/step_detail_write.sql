-- Keeps what attempts have to say; their rows have just been accepted.
-- Of each: $1 execution, $2 run, $3 step, $4 attempt, $5 failures, $6 fallback, $7 retry at (microseconds), $8 reason, $9 output, $10 rows,
-- $11 error, $12 waits (JSON each). By primary key.
INSERT INTO step_detail (execution_id, run, step, attempt, failures, fallback, retry_at, reason, output, table_rows, error, waits)
SELECT w.execution_id, w.run, w.step, w.attempt, w.failures, w.fallback, w.retry_at, w.reason, w.output, w.table_rows, w.error, w.waits
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[], $7::bigint[], $8::text[], $9::text[],
  $10::text[], $11::text[], $12::text[])
  AS w (execution_id, run, step, attempt, failures, fallback, retry_at, reason, output, table_rows, error, waits)
ON CONFLICT (execution_id, run, step, attempt) DO UPDATE
SET failures = excluded.failures, fallback = excluded.fallback, retry_at = excluded.retry_at, carried_from = NULL, reason = excluded.reason,
  output = excluded.output, table_rows = excluded.table_rows, error = excluded.error, waits = excluded.waits;
