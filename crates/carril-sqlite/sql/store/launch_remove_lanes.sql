-- Takes the executions of a launch that is not to be finished off the lists of their lane keys.
-- ?1 process. By primary key, over the process's range of ids.
DELETE FROM lane
WHERE (lane_hash, execution_id) IN (
  SELECT e.lane_hash, e.id FROM process p CROSS JOIN execution e
  WHERE p.id = ?1 AND e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id AND e.lane_hash IS NOT NULL);
