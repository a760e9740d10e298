-- The head of a lane key, if one was elected.
-- ?1 lane hash. By primary keys.
SELECT e.id, e.process_id, e.state, e.ready, e.cause, e.about, e.since, e.sums, e.parked
FROM lane l CROSS JOIN execution e
WHERE l.lane_hash = ?1 AND e.id = l.execution_id AND e.ready = 1 AND e.state < 3;
