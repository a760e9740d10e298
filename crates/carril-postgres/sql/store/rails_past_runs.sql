-- Settled processes of a pipeline that an entity went through, launched after another one, newest first.
-- $1 pipeline, $2 above this id, $3 how many. Index: process_of_pipeline, in order of ids.
SELECT r.id, r.ended_at, r.succeeded + r.failed + r.skipped, r.launched_at, r.reopened
FROM process p JOIN process_row r ON r.id = p.id
WHERE p.pipeline = $1::text AND p.id > $2::bigint AND p.state > 2 AND p.ended_at IS NOT NULL AND r.succeeded + r.failed + r.skipped > 0
ORDER BY p.id DESC LIMIT $3::bigint;
