-- Which living engines have how much of which limit, and want: resource, kind, engine, its host, its command, allotment, what it wants.
-- No parameters. Index: none; there is a row per engine and limit. Then primary key of node.
SELECT a.resource, a.kind, a.node, n.host, n.command, a.granted, a.wants
FROM allotment a JOIN node n ON n.id = a.node AND n.left_at IS NULL
ORDER BY a.resource COLLATE "C", a.kind COLLATE "C", a.node;
