-- What attempts of a process used, resource by resource in order of time: the resources that steps name, else the tables they changed.
-- A table that each lane has to itself is left out: of that each has its own.
-- ?1 process, ?2 JSON list of tables that lanes have to themselves, ?3 the target where they have them. By primary keys, within the process's own range.
WITH attempt AS MATERIALIZED (
  SELECT a.execution_id, a.entity_key, a.began, a.ended, a.resources, a.table_rows, a.target
  FROM process p
  CROSS JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id
  CROSS JOIN attempt_row a ON a.execution_id = e.id
  WHERE p.id = ?1 AND a.attempt > 0 AND a.micros IS NOT NULL AND a.carried_from IS NULL
)
SELECT r.value, a.execution_id, a.entity_key, a.began, a.ended
FROM attempt a CROSS JOIN json_each(a.resources) r
UNION ALL
SELECT r.value ->> 'table', a.execution_id, a.entity_key, a.began, a.ended
FROM attempt a CROSS JOIN json_each(a.table_rows) r
WHERE a.resources IS NULL AND NOT (a.target IS ?3 AND r.value ->> 'table' IN (SELECT value FROM json_each(?2)))
ORDER BY 1, 4, 2;
