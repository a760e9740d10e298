-- Removes what table run_history holds of a piece of a process's executions.
-- $1 process, $2 above this id, $3 up to this id. By primary key, over the process's range of ids.
DELETE FROM run_history WHERE execution_id IN (SELECT e.id FROM execution e WHERE e.id > $2::bigint AND e.id <= $3::bigint AND e.process_id = $1::bigint);
