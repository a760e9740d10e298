-- Begins a launch.
-- $1 process, $2 definition, $3 open, $4 first and $5 last execution, $6 own execution, $7 entities' first segment, $8 segments, $9 lanes,
-- $10 after, $11 pipeline, $12 parameters (JSON), $13 by whom, $14 when (microseconds), $15 overlap hash, $16 idempotency key,
-- $17 targets (JSON), $18 folder, $19 priority, $20 the engine that launches it.
INSERT INTO process (id, definition_id, state, segment, opened, total, first_execution, last_execution, own_execution, entity_segment,
  segments, lanes, after, pipeline, params, launched_by, launched_at, overlap_hash, idempotency_key, targets, folder, priority, node)
VALUES ($1::bigint, $2::bigint, 0, 0, $3::bigint, 0, $4::bigint, $5::bigint, $6::bigint, $7::bigint, $8::bigint, $9::bigint, $10::bigint,
  $11::text, $12::text, $13::text, $14::bigint, $15::bigint, $16::text, $17::text, $18::text, $19::bigint, $20::bigint);
