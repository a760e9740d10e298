-- Begins a launch.
-- ?1 process, ?2 definition, ?3 open, ?4 first and ?5 last execution, ?6 own execution, ?7 entities' first segment, ?8 segments, ?9 lanes,
-- ?10 after, ?11 pipeline, ?12 parameters (JSON), ?13 by whom, ?14 when (microseconds), ?15 overlap hash, ?16 idempotency key,
-- ?17 targets (JSON), ?18 folder, ?19 priority.
INSERT INTO process (id, definition_id, state, segment, open, total, first_execution, last_execution, own_execution, entity_segment,
  segments, lanes, after, pipeline, params, launched_by, launched_at, overlap_hash, idempotency_key, targets, folder, priority)
VALUES (?1, ?2, 0, 0, ?3, 0, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19);
