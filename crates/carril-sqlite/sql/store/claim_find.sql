-- The next executions that may be claimed, in order of id. `fresh`: nothing of this run can have been tried, here or (since `tried`,
-- which a restore writes) in a later life of this store that its backup knows nothing of.
-- ?1 process, ?2 segment, ?3 at most. Index: execution_claim.
SELECT id, run, token, per_process, cancelling,
  started_at IS NULL AND id >= coalesce((SELECT next FROM sequence WHERE name = 'tried'), 0) AS fresh, cause, about, since, sums, unread
FROM execution
WHERE process_id = ?1 AND segment = ?2 AND state = 0 AND ready = 1
ORDER BY id LIMIT ?3;
