-- Keeps a pipeline's baseline, instead of the one it had.
-- $1 pipeline, $2 process, $3 version, $4 entities, $5 time at work (microseconds), $6 who, $7 when (microseconds). By primary key.
INSERT INTO baseline (pipeline, process_id, version, entities, worked, set_by, set_at) VALUES ($1::text, $2::bigint, $3::text, $4::bigint, $5::bigint, $6::text, $7::bigint)
ON CONFLICT (pipeline) DO UPDATE SET process_id = $2::bigint, version = $3::text, entities = $4::bigint, worked = $5::bigint, set_by = $6::text, set_at = $7::bigint;
