-- Time by cause over the executions of a process, most first, what is still open counted up to now. ?1 process, ?2 now (microseconds).
-- The execution is the one that spent the most (SQLite takes bare columns from the row of max). By primary key, within the process's own range.
WITH spent (cause, micros, execution) AS (
  SELECT s.key, s.value + CASE WHEN e.cause = s.key AND (e.state < 3 OR e.rolling_back = 1) THEN max(?2 - e.since, 0) ELSE 0 END, e.id
  FROM process p
  CROSS JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id
  CROSS JOIN json_each(e.sums) s
  WHERE p.id = ?1
  UNION ALL
  SELECT e.cause, max(?2 - e.since, 0), e.id
  FROM process p
  CROSS JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id
  WHERE p.id = ?1 AND (e.state < 3 OR e.rolling_back = 1) AND json_extract(e.sums, '$.' || e.cause) IS NULL
)
SELECT cause, count(*), sum(micros), max(micros), execution
FROM spent
GROUP BY cause
ORDER BY 3 DESC;
