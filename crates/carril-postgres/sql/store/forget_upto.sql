-- The last of the next executions of a process, or null when it has no more.
-- $1 process, $2 above this id, $3 last id of the process, $4 at most. By primary key, over the process's range of ids.
SELECT max(id) FROM (SELECT id FROM execution WHERE id > $2::bigint AND id <= $3::bigint AND process_id = $1::bigint ORDER BY id LIMIT $4::bigint) piece;
