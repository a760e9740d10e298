-- What an engine goes by that claims beside others: the process's lanes, how many of them it fills, its place among the living engines
-- that can run the process and how many they are, whether another of them is hungry, whether it is itself, whether the
-- number of lanes may change.
-- $1 process, $2 node. By primary keys, index node_living, then execution_running between the process's ids.
WITH able AS (
  SELECT n.id, coalesce(a.hungry_until > clock_timestamp(), false) AS hungry
  FROM node n
  JOIN process p ON p.id = $1::bigint
  LEFT JOIN participant a ON a.process_id = p.id AND a.node = n.id
  WHERE n.left_at IS NULL AND (a.node IS NOT NULL OR n.id = p.node OR n.id = $2::bigint)
)
SELECT p.lanes,
  (SELECT count(*) FROM execution e
   WHERE e.node = $2::bigint AND e.state = 1 AND e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id),
  (SELECT count(*) FROM able WHERE able.id < $2::bigint), (SELECT count(*) FROM able),
  coalesce((SELECT bool_or(able.hungry) FROM able WHERE able.id <> $2::bigint), false),
  coalesce((SELECT able.hungry FROM able WHERE able.id = $2::bigint), false),
  EXISTS (SELECT 1 FROM lanes_change c WHERE c.process_id = p.id AND c.number = 0)
FROM process p WHERE p.id = $1::bigint;
