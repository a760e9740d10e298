-- A launch of a pipeline that another engine, which lives, is writing. A process that is being forgotten looks like one, but has an end.
-- $1 pipeline (its index would lead through all that ever ran), $2 the engine that asks. Index: process_unsettled, read whole; it holds little more than unsettled processes.
SELECT p.id FROM process p
WHERE p.state < 3 AND p.state = 0 AND p.ended_at IS NULL AND p.pipeline || '' = $1::text AND p.node <> $2::bigint
  AND EXISTS (SELECT 1 FROM node n WHERE n.id = p.node AND n.left_at IS NULL)
ORDER BY p.id LIMIT 1;
