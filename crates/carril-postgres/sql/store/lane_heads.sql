-- Of each lane key: who heads it, and (last column) whose turn it is while nobody of it runs. That is the unsettled execution that was
-- launched first, if it is pending; else of that one's process the first that could run, else the first that waits.
-- $1 lane hashes, sorted. Index: execution_lane, key by key (OFFSET 0 keeps the planner from reading it whole).
SELECT e.id, e.process_id, e.run, e.token, e.state, e.segment, e.per_process, e.lane_hash, e.rolling_back, e.cancelling, e.cause, e.about, e.since, e.sums, e.parked, e.unread, e.ready, e.warnings, e.node, e.started_at, e.ended_at, e.failed_step, e.error, e.wake_at, false AS next
FROM unnest($1::bigint[]) AS k (lane_hash)
CROSS JOIN LATERAL (
  SELECT r.* FROM execution r WHERE r.lane_hash = k.lane_hash AND r.state < 3 AND r.ready OFFSET 0
) e
UNION ALL
SELECT e.id, e.process_id, e.run, e.token, e.state, e.segment, e.per_process, e.lane_hash, e.rolling_back, e.cancelling, e.cause, e.about, e.since, e.sums, e.parked, e.unread, e.ready, e.warnings, e.node, e.started_at, e.ended_at, e.failed_step, e.error, e.wake_at, true
FROM unnest($1::bigint[]) AS k (lane_hash)
CROSS JOIN LATERAL (
  SELECT f.id, f.state, f.process_id FROM execution f
  WHERE f.lane_hash = k.lane_hash AND f.state < 3 ORDER BY f.id LIMIT 1
) f
CROSS JOIN LATERAL (
  SELECT f.id AS next WHERE f.state = 0
  UNION ALL
  (SELECT w.id FROM execution w
  WHERE f.state <> 0 AND w.lane_hash = k.lane_hash AND w.state IN (0, 2) AND w.process_id = f.process_id
  ORDER BY w.state, CASE w.state WHEN 0 THEN 0 ELSE w.segment END, w.id LIMIT 1)
) n
JOIN execution e ON e.id = n.next;
