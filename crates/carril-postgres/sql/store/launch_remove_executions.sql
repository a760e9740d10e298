-- Removes the executions of a launch that is not to be finished.
-- $1 process. By primary key, over the process's range of ids.
DELETE FROM execution
WHERE id BETWEEN (SELECT first_execution FROM process WHERE id = $1::bigint) AND (SELECT last_execution FROM process WHERE id = $1::bigint)
  AND process_id = $1::bigint;
