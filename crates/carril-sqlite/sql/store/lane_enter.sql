-- Lists an execution under its lane key; a second time is no change.
-- ?1 lane hash, ?2 execution. By primary key.
INSERT OR IGNORE INTO lane (lane_hash, execution_id) VALUES (?1, ?2);
