-- Removes a launch that is not to be finished, or a process that is forgotten; its executions are gone already.
-- $1 process. By primary key.
DELETE FROM process WHERE id = $1::bigint AND state = 0;
