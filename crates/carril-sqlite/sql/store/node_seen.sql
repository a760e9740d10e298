-- An engine's sign of life. Refused (no row) when the store no longer takes it for alive.
-- ?1 node, ?2 now (microseconds). By primary key.
UPDATE node SET last_seen = max(last_seen, ?2) WHERE id = ?1 AND left_at IS NULL;
