-- When an engine was last seen (microseconds).
-- ?1 node. By primary key.
SELECT last_seen FROM node WHERE id = ?1;
