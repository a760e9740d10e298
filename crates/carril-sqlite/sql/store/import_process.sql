-- A process that another program ran, settled from the start. Its executions, if any, have the ids after its own.
-- ?1 process, ?2 definition, ?3 state, ?4 total, ?5 succeeded, ?6 failed, ?7 skipped, ?8 cancelled, ?9 last execution, ?10 lanes,
-- ?11 reason, ?12 pipeline, ?13 parameters (JSON), ?14 by whom, ?15 launched and ?16 ended (microseconds).
INSERT INTO process (id, definition_id, state, segment, open, total, succeeded, failed, skipped, cancelled, first_execution,
  last_execution, entity_segment, segments, lanes, reason, pipeline, params, targets, launched_by, launched_at, ended_at, overlap_hash)
VALUES (?1, ?2, ?3, 0, 0, ?4, ?5, ?6, ?7, ?8, ?1 + 1, ?9, 0, 1, ?10, ?11, ?12, ?13, '{}', ?14, ?15, ?16, 0);
