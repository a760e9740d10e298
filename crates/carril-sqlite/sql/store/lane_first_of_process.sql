-- Of one process, the execution of a lane key whose turn it is: the first that could run, else the first that waits.
-- ?1 lane hash, ?2 process. Index: execution_lane.
SELECT id, process_id, state, ready, cause, about, since, sums, parked
FROM execution
WHERE lane_hash = ?1 AND lane_open = 1 AND state IN (0, 2) AND process_id = ?2
ORDER BY state, CASE state WHEN 0 THEN 0 ELSE segment END, id LIMIT 1;
