-- Processes, newest first. $1 pipeline or null, $2 states or null, $3 below this id or null, $4 how many. By primary key.
SELECT * FROM process_row
WHERE state > 0 AND ($1::text IS NULL OR pipeline = $1::text) AND ($2::bigint[] IS NULL OR state = ANY($2::bigint[]))
  AND ($3::bigint IS NULL OR id < $3::bigint)
ORDER BY id DESC LIMIT $4::bigint;
