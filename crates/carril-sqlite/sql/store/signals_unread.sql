-- The signals of an execution that no step has taken, oldest first.
-- ?1 execution. By primary key, over the execution's own signals.
SELECT number, wake_key, data, run, sent_by, sent_at FROM signal WHERE execution_id = ?1 AND taken_run IS NULL ORDER BY number;
