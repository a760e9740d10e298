-- Time by cause over the executions of a process, most first, what is still open counted up to now. $1 process, $2 now (microseconds).
-- The execution is the one that spent the most. By primary key, within the process's own range.
WITH mine AS MATERIALIZED (
  SELECT e.id, e.cause, e.sums::json AS sums,
    CASE WHEN e.state < 3 OR e.rolling_back THEN greatest($2::bigint - e.since, 0) ELSE 0 END AS open, e.state < 3 OR e.rolling_back AS is_open
  FROM process p
  JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id
  WHERE p.id = $1::bigint
), spent (cause, micros, execution) AS (
  SELECT s.key, s.value::bigint + CASE WHEN m.cause = s.key THEN m.open ELSE 0 END, m.id
  FROM mine m CROSS JOIN LATERAL json_each_text(m.sums) s
  UNION ALL
  SELECT m.cause, m.open, m.id FROM mine m WHERE m.is_open AND m.sums ->> m.cause IS NULL
)
SELECT cause, count(*), sum(micros)::bigint, max(micros), (array_agg(execution ORDER BY micros DESC, execution))[1]
FROM spent
GROUP BY cause
ORDER BY 3 DESC, cause COLLATE "C";
