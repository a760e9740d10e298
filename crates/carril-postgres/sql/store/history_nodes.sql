-- The engines that are at work: id, host, process id, command, when they entered, their last sign of life (microseconds), lanes that they
-- run, and how long their lease lasts (microseconds). No parameters. Indexes: node_living, execution_running.
SELECT n.id, n.host, n.pid, n.command, n.entered_at, n.last_seen,
  (SELECT count(*) FROM execution e WHERE e.node = n.id AND e.state = 1),
  (extract(epoch FROM n.lease_until - clock_timestamp()) * 1000000)::bigint
FROM node n
WHERE n.left_at IS NULL AND n.lease_until > clock_timestamp()
ORDER BY n.id;
