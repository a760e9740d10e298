-- A claimed execution's run is over. Refused (no row) when the claim is no longer right.
-- ?1 execution, ?2 run, ?3 token, ?4 process, ?5 the process's own, ?6 state, ?7 ended (microseconds), ?8 cause, ?9 about,
-- ?10 since (microseconds), ?11 sums (JSON), ?12 failed step, ?13 error (JSON), ?14 warnings. By primary key; its lane entry is
-- swept later.
UPDATE execution
SET state = ?6, cancelling = 0, ended_at = ?7, cause = ?8, about = ?9, since = ?10, sums = ?11,
  failed_step = ?12, error = ?13, warnings = ?14, room = NULL
WHERE id = ?1 AND run = ?2 AND token = ?3 AND state = 1 AND process_id = ?4 AND per_process = ?5;
