-- Keeps how a run ended, before the next one begins or after it was rolled back. A run that is kept already stays as it is.
-- ?1 execution, ?2 state of the run, ?3 rolled back at (microseconds), ?4 rows removed (JSON). By primary key.
INSERT INTO run_history (execution_id, run, state, warnings, started_at, ended_at, failed_step, error, sums, rolled_back_at, removed)
SELECT id, run, ?2, warnings, started_at, ended_at, failed_step, error, sums, ?3, ?4 FROM execution WHERE id = ?1
ON CONFLICT (execution_id, run) DO NOTHING;
