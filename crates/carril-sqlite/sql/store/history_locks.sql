-- Waits for locks in a process whose holder was seen, longest first. ?1 process, ?2 how many. By primary keys, within the
-- process's own range.
SELECT execution_id, entity_key, run, stage, step, began_us, duration_us, lock
FROM waits
WHERE process_id = ?1 AND cause = 'lock' AND lock IS NOT NULL
ORDER BY duration_us DESC, execution_id, began_us LIMIT ?2;
