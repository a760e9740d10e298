-- The failed and cancelled executions of a process, its own included, in order of id.
-- $1 process, $2 above this id, $3 at most. By primary key, over the process's range of ids.
SELECT e.id, e.process_id, e.run, e.token, e.state, e.segment, e.per_process, e.lane_hash, e.rolling_back, e.cancelling, e.cause, e.about, e.since, e.sums, e.parked, e.unread, e.ready, e.warnings, e.node, e.started_at, e.ended_at, e.failed_step, e.error, e.wake_at
FROM process p CROSS JOIN execution e
WHERE p.id = $1::bigint AND p.state <> 0 AND e.id > greatest($2::bigint, p.first_execution - 1) AND e.id <= p.last_execution AND e.process_id = p.id
  AND e.state IN (4, 6)
ORDER BY e.id LIMIT $3::bigint;
