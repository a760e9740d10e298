-- What attempts of a process used, resource by resource in order of time: the resources that steps name, else the tables they changed.
-- A table that each lane has to itself is left out: of that each has its own.
-- $1 process, $2 tables that lanes have to themselves, $3 the target where they have them. By primary keys, within the process's own range.
WITH attempt AS MATERIALIZED (
  SELECT a.execution_id, a.entity_key, a.began, a.ended, a.resources, a.table_rows, a.target
  FROM process p
  JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id
  JOIN attempt_row a ON a.execution_id = e.id
  WHERE p.id = $1::bigint AND a.attempt > 0 AND a.micros IS NOT NULL AND a.carried_from IS NULL
), used (resource, execution_id, entity_key, began, ended) AS (
  SELECT r.value, a.execution_id, a.entity_key, a.began, a.ended
  FROM attempt a CROSS JOIN LATERAL json_array_elements_text(a.resources::json) AS r (value)
  UNION ALL
  SELECT r.value ->> 'table', a.execution_id, a.entity_key, a.began, a.ended
  FROM attempt a CROSS JOIN LATERAL json_array_elements(a.table_rows::json) AS r (value)
  WHERE a.resources IS NULL AND NOT (a.target IS NOT DISTINCT FROM $3::text AND r.value ->> 'table' = ANY($2::text[]))
)
SELECT resource, execution_id, entity_key, began, ended FROM used
ORDER BY resource COLLATE "C", began, execution_id;
