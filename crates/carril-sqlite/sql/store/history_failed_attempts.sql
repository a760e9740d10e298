-- Failed attempts of all runs of a process by code and the target's own code, and after how many of them the step was tried again.
-- What a later run took over was counted where it happened.
-- ?1 process, ?2 how many. By primary keys, within the process's own range.
SELECT d.error ->> 'code' AS code, d.error ->> 'native' AS native, count(*) AS attempts, sum(d.retry_at IS NOT NULL)
FROM process p
CROSS JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id
CROSS JOIN step_detail d ON d.execution_id = e.id
WHERE p.id = ?1 AND d.error IS NOT NULL AND d.carried_from IS NULL
GROUP BY code, native
ORDER BY attempts DESC, code, native LIMIT ?2;
