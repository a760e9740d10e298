-- Starts the next run of a settled execution; the caller has read it in this transaction. While its process is paused, that is
-- what it waits for once it is pending.
-- ?1 execution, ?2 state (pending or waiting), ?3 segment, ?4 ready, ?5 cause, ?6 now (microseconds). By primary key; enters
-- execution_claim when it is pending and ready.
UPDATE execution
SET run = run + 1, state = ?2, segment = ?3, ready = ?4, node = NULL, cancelling = 0, warnings = 0,
  since = ?6, cause = CASE WHEN ?2 = 0 AND (SELECT p.state FROM process p WHERE p.id = process_id) = 2 THEN 'paused' ELSE ?5 END,
  about = NULL, sums = NULL, started_at = NULL, ended_at = NULL, failed_step = NULL, error = NULL
WHERE id = ?1 AND state > 2;
