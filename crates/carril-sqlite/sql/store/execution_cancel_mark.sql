-- Asks a running execution to stop.
-- ?1 execution. By primary key.
UPDATE execution SET cancelling = 1 WHERE id = ?1 AND state = 1;
