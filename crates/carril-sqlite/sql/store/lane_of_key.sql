-- What is listed of a lane key, settled or not, oldest first; read up to the first unsettled one. One that is forgotten has no state.
-- ?1 lane hash. By primary keys.
SELECT l.execution_id, e.state, l.lane_hash
FROM lane l LEFT JOIN execution e ON e.id = l.execution_id
WHERE l.lane_hash = ?1
ORDER BY l.execution_id;
