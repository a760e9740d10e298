-- A parked head lets another have its key.
-- ?1 execution. By primary key.
UPDATE execution SET ready = 0 WHERE id = ?1 AND state = 2;
