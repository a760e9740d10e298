-- An execution waits for none of its keys any more.
-- ?1 execution. By primary key.
DELETE FROM wake_key WHERE execution_id = ?1;
