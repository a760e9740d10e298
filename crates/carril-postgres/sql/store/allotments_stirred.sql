-- An engine's own allotments, and whether there is something to settle: another living engine goes short of the same, or it does itself
-- although some of it is nobody's, as when an engine is over. Resource, kind, allotment, whether.
-- $1 node. Index: none; there is a row per engine and limit. Then primary keys.
SELECT a.resource, a.kind, a.granted, (
  SELECT coalesce(bool_or(o.node <> a.node AND o.wants > o.granted), false)
    OR a.wants > a.granted AND coalesce(sum(o.granted), 0) < a.total
  FROM allotment o JOIN node n ON n.id = o.node AND n.left_at IS NULL
  WHERE o.resource = a.resource AND o.kind = a.kind)
FROM allotment a WHERE a.node = $1::bigint;
