-- The version of the store's schema, which another program may have changed; whether the store takes an engine for alive (nobody has taken
-- its work back, whatever its lease says); and how many others live. None of that changes while the turnstile is held.
-- $1 node. By primary key, then index node_living.
SELECT (SELECT v.version FROM carril_schema v), EXISTS (SELECT FROM node n WHERE n.id = $1::bigint AND n.left_at IS NULL),
  (SELECT count(*) FROM node o WHERE o.left_at IS NULL AND o.id <> $1::bigint);
