-- How many of the engines that are at work can run a process; no row for a process that is not there.
-- $1 process. By primary keys, then index node_living.
SELECT (
  SELECT count(*) FROM node n
  WHERE n.left_at IS NULL AND n.lease_until > clock_timestamp()
    AND (n.id = p.node OR EXISTS (SELECT 1 FROM participant a WHERE a.process_id = p.id AND a.node = n.id))
)
FROM process p WHERE p.id = $1::bigint;
