-- What the lane index lists of a key, settled or not, oldest first; read up to the first unsettled one.
-- ?1 lane hash. Index: execution_lane.
SELECT id, state, lane_hash
FROM execution
WHERE lane_hash = ?1 AND lane_open = 1
ORDER BY id;
