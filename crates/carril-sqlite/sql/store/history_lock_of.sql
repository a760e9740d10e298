-- The latest wait for a lock in the present run of an execution. ?1 execution. By primary keys.
SELECT w.execution_id, w.entity_key, w.run, w.stage, w.step, w.began_us, w.duration_us, w.lock
FROM waits w
WHERE w.execution_id = ?1 AND w.run = (SELECT h.run FROM execution h WHERE h.id = ?1) AND w.cause = 'lock' AND w.lock IS NOT NULL
ORDER BY w.began_us DESC LIMIT 1;
