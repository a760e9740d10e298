-- The unsettled executions of one lane key, in order of launch. Entries of settled ones are passed over until they are swept.
-- ?1 lane hash. Index: execution_lane.
SELECT id, process_id, state, segment, ready, cause, about, since, sums
FROM execution
WHERE lane_hash = ?1 AND lane_open = 1 AND state < 3
ORDER BY id;
