-- The lane keys that a launching process has executions of.
-- $1 process. By primary key, over the process's range of ids.
SELECT DISTINCT e.lane_hash
FROM process p CROSS JOIN execution e
WHERE p.id = $1::bigint AND e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id AND e.lane_hash IS NOT NULL;
