-- The segment that a process is in.
-- ?1 process. By primary key.
SELECT segment FROM process WHERE id = ?1;
