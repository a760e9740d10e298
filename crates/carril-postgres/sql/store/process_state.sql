-- The state of a process.
-- $1 process. By primary key.
SELECT state FROM process WHERE id = $1::bigint;
