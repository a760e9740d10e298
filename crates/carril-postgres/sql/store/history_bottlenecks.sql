-- Resources of a process by what they cost: those that steps name, else the tables they changed that lanes share; and the target, for
-- steps that act on what is shared there. Waits before an attempt are in its own sums; waits for locks happen while it runs and are
-- told one by one. A table that each lane has to itself is nobody's bottleneck and is left out.
-- $1 process, $2 how many, $3 by step number the target whose shared part it acts on, or null; $4 tables that
-- lanes have to themselves, $5 the target where they have them. By primary keys, within the process's own range.
WITH mine AS (
  SELECT e.id
  FROM process p
  JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id
  WHERE p.id = $1::bigint
), attempt AS MATERIALIZED (
  SELECT a.micros, a.resources, a.table_rows, a.target, a.waits, ($3::text[])[a.step + 1] AS shared
  FROM mine JOIN attempt_row a ON a.execution_id = mine.id
  WHERE a.attempt > 0 AND a.micros IS NOT NULL AND a.carried_from IS NULL
), cost (resource, used, micros, waited, lock) AS (
  SELECT r.value, 1, a.micros, NULL::bigint, 0 FROM attempt a CROSS JOIN LATERAL json_array_elements_text(a.resources::json) AS r (value)
  UNION ALL
  SELECT r.value ->> 'table', 1, a.micros, NULL, 0 FROM attempt a CROSS JOIN LATERAL json_array_elements(a.table_rows::json) AS r (value)
  WHERE a.resources IS NULL AND NOT (a.target IS NOT DISTINCT FROM $5::text AND r.value ->> 'table' = ANY($4::text[]))
  UNION ALL
  SELECT a.shared, 1, a.micros, NULL, 0 FROM attempt a WHERE a.shared IS NOT NULL
  UNION ALL
  SELECT w.value -> 0 ->> 'about', 0, NULL, (w.value ->> 1)::bigint, (w.value -> 0 ->> 'kind' = 'lock')::integer
  FROM attempt a CROSS JOIN LATERAL json_array_elements(a.waits::json) AS w (value)
  WHERE w.value -> 0 ->> 'about' IS NOT NULL
  UNION ALL
  SELECT w.about, 0, NULL, w.micros, 1 FROM mine JOIN wait w ON w.execution_id = mine.id
  WHERE w.cause = 'lock' AND w.about IS NOT NULL
)
SELECT resource, sum(used), coalesce(trunc(avg(micros)), 0)::bigint, coalesce(max(micros), 0), count(waited), coalesce(sum(waited), 0)::bigint, sum(lock)
FROM cost
GROUP BY resource
ORDER BY 6 DESC, coalesce(sum(micros), 0) DESC, resource COLLATE "C" LIMIT $2::bigint;
