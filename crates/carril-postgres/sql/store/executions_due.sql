-- Parked executions whose time has come, longest due first, but for those that another engine is waking just now.
-- $1 now (microseconds), $2 at most. Index: execution_wake.
SELECT id, process_id, run, token, state, segment, per_process, lane_hash, rolling_back, cancelling, cause, about, since, sums, parked, unread, ready, warnings, node, started_at, ended_at, failed_step, error, wake_at
FROM execution WHERE wake_at <= $1::bigint ORDER BY wake_at LIMIT $2::bigint FOR UPDATE SKIP LOCKED;
