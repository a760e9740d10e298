-- Executions that wait for a limit, by cause and resource, over all unsettled processes. No parameters.
-- Index: process_unsettled, then primary keys within each process's own range.
SELECT e.cause, e.about, count(*)
FROM process p
JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id
WHERE p.state < 3 AND p.state > 0 AND p.ended_at IS NULL AND e.state < 3
  AND e.cause IN ('slot', 'rate', 'breaker') AND e.about IS NOT NULL
GROUP BY e.cause, e.about;
