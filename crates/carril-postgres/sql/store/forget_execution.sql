-- Removes a piece of a process's executions; all else of them is gone already.
-- $1 process, $2 above this id, $3 up to this id. By primary key, over the process's range of ids.
DELETE FROM execution WHERE id > $2::bigint AND id <= $3::bigint AND process_id = $1::bigint;
