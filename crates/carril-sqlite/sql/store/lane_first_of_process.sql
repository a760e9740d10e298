-- Of one process, the execution of a lane key whose turn it is: the first that could run, else the first that waits.
-- ?1 lane hash, ?2 process. By primary keys.
SELECT e.id, e.process_id, e.state, e.ready, e.cause, e.about, e.since, e.sums, e.parked
FROM lane l CROSS JOIN execution e
WHERE l.lane_hash = ?1 AND e.id = l.execution_id AND e.state IN (0, 2) AND e.process_id = ?2
ORDER BY e.state, CASE e.state WHEN 0 THEN 0 ELSE e.segment END, e.id LIMIT 1;
