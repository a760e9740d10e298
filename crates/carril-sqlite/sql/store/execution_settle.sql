-- A claimed execution's run is over. Refused (no row) when the claim is no longer right.
-- ?1 execution, ?2 run, ?3 token, ?4 state, ?5 ended (microseconds), ?6 cause, ?7 about, ?8 since (microseconds), ?9 sums (JSON),
-- ?10 failed step, ?11 error (JSON), ?12 warnings. By primary key; execution_lane is swept later.
UPDATE execution
SET state = ?4, node = NULL, cancelling = 0, ended_at = ?5, cause = ?6, about = ?7, since = ?8, sums = ?9,
  failed_step = ?10, error = ?11, warnings = ?12
WHERE id = ?1 AND run = ?2 AND token = ?3 AND state = 1
RETURNING process_id, per_process, lane_hash;
