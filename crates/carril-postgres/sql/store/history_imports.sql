-- What came from a source, in order of process.
-- $1 source, $2 above this id, $3 at most. By primary key, over what was imported.
SELECT process_id, source, source_key, imported_at FROM imported
WHERE process_id > $2::bigint AND source = $1::text ORDER BY process_id LIMIT $3::bigint;
