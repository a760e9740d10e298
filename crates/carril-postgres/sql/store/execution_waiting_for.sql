-- The executions of a process that wait for a segment, chunk by chunk in order of id.
-- $1 process, $2 above this id, $3 last id of the process, $4 at most, $5 segment. By primary key, over the process's range of ids.
SELECT id, process_id, run, token, state, segment, per_process, lane_hash, rolling_back, cancelling, cause, about, since, sums, parked, unread, ready, warnings, node, started_at, ended_at, failed_step, error, wake_at
FROM execution
WHERE id > $2::bigint AND id <= $3::bigint AND process_id = $1::bigint AND state = 2 AND NOT parked AND segment = $5::bigint
ORDER BY id LIMIT $4::bigint;
