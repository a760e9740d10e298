-- Waits for locks in a process by table and blocker, those that cost most first. The execution is the one that waited longest (SQLite
-- takes bare columns from the row of max). ?1 process, ?2 how many. By primary keys, within the process's own range.
SELECT coalesce(about, ''), blocker, lock ->> '$.blocker.who' <> 'execution', count(*), sum(duration_us), max(duration_us), execution_id
FROM waits
WHERE process_id = ?1 AND cause = 'lock' AND lock IS NOT NULL
GROUP BY about, blocker
ORDER BY 5 DESC, about, blocker LIMIT ?2;
