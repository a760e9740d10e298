-- The unsettled executions of an execution's lane key, in order of launch; none for the process's own execution.
-- ?1 execution. By primary key, then index execution_lane.
SELECT id, process_id, state, segment, ready, cause, about, since, sums
FROM execution
WHERE lane_hash = (SELECT o.lane_hash FROM execution o WHERE o.id = ?1) AND lane_open = 1 AND state < 3
ORDER BY id;
