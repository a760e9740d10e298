-- The lane key of an execution, if another unsettled one has it too.
-- ?1 execution. By primary key, then index execution_lane.
SELECT lane_hash
FROM execution
WHERE lane_hash = (SELECT o.lane_hash FROM execution o WHERE o.id = ?1) AND lane_open = 1 AND state < 3 AND id <> ?1
ORDER BY id LIMIT 1;
