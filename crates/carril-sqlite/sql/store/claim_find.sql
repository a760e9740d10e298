-- The next executions that may be claimed, in order of id.
-- ?1 process, ?2 segment, ?3 at most. Index: execution_claim.
SELECT id, run, token, per_process, cancelling, started_at, cause, about, since, sums, unread
FROM execution
WHERE process_id = ?1 AND segment = ?2 AND state = 0 AND ready = 1
ORDER BY id LIMIT ?3;
