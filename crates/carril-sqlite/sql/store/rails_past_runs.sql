-- Settled processes of a pipeline that an entity went through, launched after another one, newest first.
-- ?1 pipeline, ?2 above this id, ?3 how many. Index: process_of_pipeline, in order of ids.
SELECT id, ended_at, succeeded + failed + skipped, launched_at, reopened
FROM process
WHERE pipeline = ?1 AND id > ?2 AND state > 2 AND ended_at IS NOT NULL AND succeeded + failed + skipped > 0
ORDER BY id DESC LIMIT ?3;
