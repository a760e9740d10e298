-- New executions, in their first run. Whoever is the first of its lane key, here and of all that are unsettled, heads it. Ids are given out
-- in the order of commits, and nobody else is in the store: so all that is there was launched before.
-- $1 ids, $2 process, $3 state, $4 segment, $5 whether it is the process's own, $6 lane hashes, $7 since (microseconds).
-- Index: execution_lane.
INSERT INTO execution (id, process_id, run, token, state, segment, ready, per_process, lane_hash, since, cause,
  cancelling, rolling_back, parked, warnings, unread)
SELECT n.id, $2::bigint, 1, 0, $3::bigint, $4::bigint, n.ready, $5::boolean, n.lane_hash, $7::bigint,
  CASE WHEN $3::bigint <> 0 THEN 'barrier' WHEN n.ready THEN 'queued' ELSE 'key' END,
  false, false, false, 0, 0
FROM (
  SELECT w.id, w.lane_hash, w.lane_hash IS NULL OR (
    row_number() OVER (PARTITION BY w.lane_hash ORDER BY w.id) = 1
    AND NOT EXISTS (SELECT 1 FROM execution e WHERE e.lane_hash = w.lane_hash AND e.state < 3)
  ) AS ready
  FROM unnest($1::bigint[], $6::bigint[]) AS w (id, lane_hash)
) n
ORDER BY n.id;
