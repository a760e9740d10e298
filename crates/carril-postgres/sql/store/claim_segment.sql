-- The segment in which a process's executions may be claimed; no row while it is not running or must wait for another process.
-- $1 process. By primary keys.
SELECT p.segment FROM process p
WHERE p.id = $1::bigint AND p.state = 1
  AND NOT EXISTS (SELECT 1 FROM process a WHERE a.id = p.after AND a.state < 3);
