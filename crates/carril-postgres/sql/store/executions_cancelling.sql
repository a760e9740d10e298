-- Executions that an engine runs and that are to be cancelled: process, execution, run, token, whether it is the process's own.
-- $1 node, $2 at most. Index: execution_cancelling.
SELECT process_id, id, run, token, per_process FROM execution
WHERE node = $1::bigint AND state = 1 AND cancelling
ORDER BY id LIMIT $2::bigint;
