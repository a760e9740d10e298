-- How many lanes of a process are taken, over all engines.
-- $1 process. By primary key, index node_living, then execution_running between the process's ids.
SELECT coalesce(sum(c.taken), 0)::bigint FROM process p
CROSS JOIN node n
CROSS JOIN LATERAL (
  SELECT count(*) AS taken FROM execution e
  WHERE e.node = n.id AND e.state = 1 AND e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id
) c
WHERE p.id = $1::bigint AND n.left_at IS NULL;
