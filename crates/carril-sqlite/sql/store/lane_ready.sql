-- The head of a lane key, if one was elected.
-- ?1 lane hash. Index: execution_lane.
SELECT id, process_id, state, ready, cause, about, since, sums, parked
FROM execution
WHERE lane_hash = ?1 AND lane_open = 1 AND ready = 1 AND state < 3;
