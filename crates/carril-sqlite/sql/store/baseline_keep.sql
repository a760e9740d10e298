-- Keeps a pipeline's baseline, instead of the one it had.
-- ?1 pipeline, ?2 process, ?3 version, ?4 entities, ?5 time at work (microseconds), ?6 who, ?7 when (microseconds). By primary key.
INSERT INTO baseline (pipeline, process_id, version, entities, worked, set_by, set_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (pipeline) DO UPDATE SET process_id = ?2, version = ?3, entities = ?4, worked = ?5, set_by = ?6, set_at = ?7;
