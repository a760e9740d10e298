-- Processes that another program ran, settled from the start. Their executions, if any, have the ids after their own.
-- $1 definition, $2 lanes, $3 pipeline, $4 the engine that imports them; of each: $5 process, $6 state, $7 total, $8 reason,
-- $9 parameters (JSON), $10 by whom, $11 launched and $12 ended (microseconds).
INSERT INTO process (id, definition_id, state, segment, opened, total, first_execution, last_execution, entity_segment, segments, lanes,
  priority, reason, pipeline, params, targets, launched_by, launched_at, ended_at, overlap_hash, node)
SELECT w.id, $1::bigint, w.state, 0, 0, w.total, w.id + 1, w.id + w.total, 0, 1, $2::bigint,
  0, w.reason, $3::text, w.params, '{}', w.launched_by, w.launched_at, w.ended_at, 0, $4::bigint
FROM unnest($5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bigint[])
  AS w (id, state, total, reason, params, launched_by, launched_at, ended_at);
