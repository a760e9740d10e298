-- Makes a launch visible: all its executions are there.
-- $1 process. By primary key.
UPDATE process SET state = 1 WHERE id = $1::bigint AND state = 0;
