-- Microseconds in which at least one run of a process was under way: the time from its launch, or from a later run's first lane, to
-- that run's end, counted once where runs overlap. What lies between an end and the next run is nobody's work and is left out.
-- $1 process, $2 now (microseconds). By primary keys, within the process's own range.
WITH mine AS (
  SELECT e.id, e.run, e.since, e.started_at, e.ended_at, p.launched_at
  FROM process p
  JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id
  WHERE p.id = $1::bigint
), run (began, ended) AS (
  SELECT CASE WHEN run = 1 THEN launched_at ELSE coalesce(started_at, since) END, coalesce(ended_at, $2::bigint) FROM mine
  UNION ALL
  SELECT CASE WHEN h.run = 1 THEN mine.launched_at ELSE h.started_at END, h.ended_at
  FROM mine JOIN run_history h ON h.execution_id = mine.id
  WHERE h.ended_at IS NOT NULL AND (h.run = 1 OR h.started_at IS NOT NULL)
), ordered AS (
  SELECT began, ended, max(ended) OVER (ORDER BY began, ended ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered FROM run
)
SELECT coalesce(sum(greatest(0, ended - greatest(began, coalesce(covered, began)))), 0)::bigint FROM ordered;
