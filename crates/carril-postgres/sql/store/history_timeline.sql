-- Entity by stage, of the present runs. $1 process, $2 how many. The state is the worst among the last attempts of the stage's steps.
-- A stage begins with its first START: what is skipped is written down earlier and only counts where nothing else is there.
-- By primary keys, within the process's own range.
WITH attempts AS (
  SELECT a.*, row_number() OVER (PARTITION BY a.execution_id, a.step ORDER BY a.attempt DESC) AS age
  FROM process p
  JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id
  JOIN attempt_row a ON a.execution_id = e.id AND a.run = e.run
  WHERE p.id = $1::bigint
)
SELECT execution_id, min(entity_key), stage, coalesce(min(CASE WHEN attempt > 0 THEN began END), min(began)) AS began,
  CASE WHEN count(*) = count(ended) THEN max(ended) END, coalesce(sum(micros), 0)::bigint,
  max(CASE WHEN age > 1 THEN 0 WHEN state = 3 THEN 6 WHEN state = 1 THEN 5 WHEN state = 5 THEN 4 WHEN state = 6 THEN 3 WHEN state = 2 THEN 2 ELSE 1 END)
FROM attempts
GROUP BY execution_id, stage
ORDER BY 4, execution_id, min(step) LIMIT $2::bigint;
