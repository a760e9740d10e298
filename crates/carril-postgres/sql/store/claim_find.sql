-- The next executions that may be claimed, in order of id, but for those that another engine is claiming just now; none while the
-- process is not running or must wait for another process.
-- $1 process, $2 at most. By primary keys, then index execution_claim.
SELECT id, process_id, run, token, state, segment, per_process, lane_hash, rolling_back, cancelling, cause, about, since, sums, parked, unread, ready, warnings, node, started_at, ended_at, failed_step, error, wake_at
FROM execution
WHERE process_id = $1::bigint AND state = 0 AND ready AND segment = (
  SELECT p.segment FROM process p
  WHERE p.id = $1::bigint AND p.state = 1 AND coalesce((SELECT a.state FROM process a WHERE a.id = p.after), 3) > 2
)
ORDER BY id LIMIT $2::bigint FOR UPDATE SKIP LOCKED;
