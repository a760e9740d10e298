-- Waits for locks in a process by table and blocker, those that cost most first, with the execution that waited longest. $1 process,
-- $2 how many. By primary keys, within the process's own range.
SELECT coalesce(about, ''), blocker, bool_or(lock::json -> 'blocker' ->> 'who' <> 'execution'), count(*), sum(duration_us)::bigint,
  max(duration_us), (array_agg(execution_id ORDER BY duration_us DESC, execution_id))[1]
FROM waits
WHERE process_id = $1::bigint AND cause = 'lock' AND lock IS NOT NULL
GROUP BY about, blocker
ORDER BY 5 DESC, about COLLATE "C", blocker COLLATE "C" LIMIT $2::bigint;
