-- Failed attempts of all runs of a process by code and the target's own code, and after how many of them the step was tried again.
-- What a later run took over was counted where it happened.
-- $1 process, $2 how many. By primary keys, within the process's own range.
SELECT f.code, f.native, count(*) AS attempts, count(f.retry_at)
FROM (
  SELECT d.error::json ->> 'code' AS code, d.error::json ->> 'native' AS native, d.retry_at
  FROM process p
  JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id
  JOIN step_detail d ON d.execution_id = e.id
  WHERE p.id = $1::bigint AND d.error IS NOT NULL AND d.carried_from IS NULL
) f
GROUP BY f.code, f.native
ORDER BY attempts DESC, f.code COLLATE "C", f.native COLLATE "C" NULLS FIRST LIMIT $2::bigint;
