-- The next executions that may be claimed, in order of id, but for those that another engine is claiming just now.
-- $1 process, $2 segment, $3 at most. Index: execution_claim.
SELECT id, process_id, run, token, state, segment, per_process, lane_hash, rolling_back, cancelling, cause, about, since, sums, parked, unread, ready, warnings, node, started_at, ended_at, failed_step, error, wake_at
FROM execution
WHERE process_id = $1::bigint AND segment = $2::bigint AND state = 0 AND ready
ORDER BY id LIMIT $3::bigint FOR UPDATE SKIP LOCKED;
