-- Whether the store takes an engine for alive: nobody has taken its work back, whatever its lease says.
-- $1 node. By primary key.
SELECT 1 FROM node WHERE id = $1::bigint AND left_at IS NULL;
