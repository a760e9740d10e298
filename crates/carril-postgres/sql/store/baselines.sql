-- Baselines, in order of pipelines. $1 pipeline or null, $2 how many. By primary key.
SELECT pipeline, process_id, version, entities, worked, set_by, set_at
FROM baseline WHERE $1::text IS NULL OR pipeline = $1::text ORDER BY pipeline COLLATE "C" LIMIT $2::bigint;
