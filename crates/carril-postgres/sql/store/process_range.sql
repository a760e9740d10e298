-- Between which ids a process's executions lie.
-- $1 process. By primary key.
SELECT first_execution, last_execution FROM process WHERE id = $1::bigint;
