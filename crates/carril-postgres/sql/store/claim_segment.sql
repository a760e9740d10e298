-- The segment in which a process's executions may be claimed; no row while it is not running or must wait for another process.
-- $1 process. By primary keys.
SELECT p.segment FROM process p
WHERE p.id = $1::bigint AND p.state = 1
  AND coalesce((SELECT a.state FROM process a WHERE a.id = p.after), 3) > 2;
