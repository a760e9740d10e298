-- What else the lane index lists of an execution's key, settled or not, oldest first; read up to the first unsettled one.
-- ?1 execution. By primary key, then index execution_lane.
SELECT id, state, lane_hash
FROM execution
WHERE lane_hash = (SELECT o.lane_hash FROM execution o WHERE o.id = ?1) AND lane_open = 1 AND id <> ?1
ORDER BY id;
