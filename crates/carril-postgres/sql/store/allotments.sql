-- What living engines have of some resources' limits: resource, kind, engine, total, allotment, what it wants, since (microseconds).
-- $1 resources. By primary key, of which the resource comes first; then primary key of node.
SELECT a.resource, a.kind, a.node, a.total, a.granted, a.wants, a.since
FROM allotment a JOIN node n ON n.id = a.node AND n.left_at IS NULL
WHERE a.resource = ANY($1::text[])
ORDER BY a.resource COLLATE "C", a.kind COLLATE "C", a.node;
