-- What is listed of an execution's lane key, settled or not, itself too, oldest first; read up to the first other that is unsettled.
-- One that is forgotten has no state.
-- ?1 execution. By primary keys.
SELECT l.execution_id, e.state, l.lane_hash
FROM lane l LEFT JOIN execution e ON e.id = l.execution_id
WHERE l.lane_hash = (SELECT o.lane_hash FROM execution o WHERE o.id = ?1)
ORDER BY l.execution_id;
