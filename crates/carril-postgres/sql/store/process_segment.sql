-- The segment that a process is in, and its state.
-- $1 process. By primary key.
SELECT segment, state FROM process WHERE id = $1::bigint;
