-- Says what wakes a parked execution.
-- ?1 execution, ?2 key. By primary key.
INSERT OR IGNORE INTO wake_key (execution_id, wake_key) VALUES (?1, ?2);
