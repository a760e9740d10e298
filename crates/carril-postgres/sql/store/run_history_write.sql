-- Keeps how runs ended, before the next one begins or after they were rolled back. A run that is kept already stays as it is.
-- Of each: $1 execution, $2 run, $3 state of the run, $4 warnings, $5 started, $6 ended, $7 failed step, $8 error (JSON), $9 sums (JSON),
-- $10 rolled back at (microseconds each), $11 rows removed (JSON). By primary key.
INSERT INTO run_history (execution_id, run, state, warnings, started_at, ended_at, failed_step, error, sums, rolled_back_at, removed)
SELECT w.execution_id, w.run, w.state, w.warnings, w.started_at, w.ended_at, w.failed_step, w.error, w.sums, w.rolled_back_at, w.removed
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::text[],
  $10::bigint[], $11::text[])
  AS w (execution_id, run, state, warnings, started_at, ended_at, failed_step, error, sums, rolled_back_at, removed)
ON CONFLICT (execution_id, run) DO NOTHING;
