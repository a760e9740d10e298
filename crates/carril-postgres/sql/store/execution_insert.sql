-- New executions, in their first run. Whoever is the first of its lane key, here and of all that are unsettled, heads it. Ids are given out
-- in the order of commits, and nobody else is in the store: so all that is there was launched before.
-- $1 ids, $2 process, $3 state, $4 segment, $5 whether it is the process's own, $6 lane hashes, $7 since (microseconds).
-- Index: execution_lane, key by key (LIMIT keeps the planner from reading all executions into a hash instead).
INSERT INTO execution (id, process_id, run, token, state, segment, ready, per_process, lane_hash, since, cause,
  cancelling, rolling_back, parked, warnings, unread)
SELECT n.id, $2::bigint, 1, 0, $3::bigint, $4::bigint, n.ready, $5::boolean, n.lane_hash, $7::bigint,
  CASE WHEN $3::bigint <> 0 THEN 'barrier' WHEN n.ready THEN 'queued' ELSE 'key' END,
  false, false, false, 0, 0
FROM (
  SELECT w.id, w.lane_hash,
    w.lane_hash IS NULL OR (t.taken IS NULL AND row_number() OVER (PARTITION BY w.lane_hash ORDER BY w.id) = 1) AS ready
  FROM unnest($1::bigint[], $6::bigint[]) AS w (id, lane_hash)
  LEFT JOIN LATERAL (
    SELECT true AS taken FROM execution e WHERE e.lane_hash = w.lane_hash AND e.state < 3 LIMIT 1
  ) t ON true
) n
ORDER BY n.id;
