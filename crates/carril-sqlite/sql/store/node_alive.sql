-- Whether the store takes an engine for alive.
-- ?1 node. By primary key.
SELECT 1 FROM node WHERE id = ?1 AND left_at IS NULL;
