-- All that a change needs to know about executions.
-- $1 executions. By primary key.
SELECT id, process_id, run, token, state, segment, per_process, lane_hash, rolling_back, cancelling, cause, about, since, sums, parked, unread, ready, warnings, node, started_at, ended_at, failed_step, error, wake_at
FROM execution WHERE id = ANY($1::bigint[]) ORDER BY id;
