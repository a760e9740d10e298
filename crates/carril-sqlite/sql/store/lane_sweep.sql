-- Takes one settled execution off the list of its lane key. Done for many at once in the list's order, because they lie all over it.
-- ?1 lane hash, ?2 execution. By primary keys.
DELETE FROM lane
WHERE lane_hash = ?1 AND execution_id = ?2 AND NOT EXISTS (SELECT 1 FROM execution e WHERE e.id = ?2 AND e.state < 3);
