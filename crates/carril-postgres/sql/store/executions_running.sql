-- The executions that an engine claims, chunk by chunk in order of id.
-- $1 node, $2 above this id, $3 at most. Index: execution_running.
SELECT id, process_id, run, token, state, segment, per_process, lane_hash, rolling_back, cancelling, cause, about, since, sums, parked, unread, ready, warnings, node, started_at, ended_at, failed_step, error, wake_at
FROM execution WHERE node = $1::bigint AND state = 1 AND id > $2::bigint
ORDER BY id LIMIT $3::bigint;
