-- Processes that were called so where they came from, oldest first.
-- $1 key, $2 at most. Index: imported_key.
SELECT process_id, source, source_key, imported_at FROM imported WHERE source_key = $1::text ORDER BY process_id LIMIT $2::bigint;
