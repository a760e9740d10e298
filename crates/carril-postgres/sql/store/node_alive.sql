-- Whether the store takes an engine for alive (no row: it does not): nobody has taken its work back, whatever its lease says. With it
-- how many others live; none of them comes or goes while the turnstile is held.
-- $1 node. By primary key, then index node_living.
SELECT (SELECT count(*) FROM node o WHERE o.left_at IS NULL AND o.id <> $1::bigint)
FROM node n WHERE n.id = $1::bigint AND n.left_at IS NULL;
