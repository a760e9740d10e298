-- Executions of a process in order of id. $1 process, $2 states or null, $3 entity or null, $4 above this id, $5 how many.
-- By primary key, within the process's own range.
SELECT x.* FROM process p JOIN execution_row x ON x.id BETWEEN p.first_execution AND p.last_execution AND x.process_id = p.id
WHERE p.id = $1::bigint AND x.id > $4::bigint AND ($2::bigint[] IS NULL OR x.state = ANY($2::bigint[]))
  AND ($3::text IS NULL OR x.entity_key = $3::text)
ORDER BY x.id LIMIT $5::bigint;
