-- The unsettled processes that had to wait for this one.
-- $1 process. By primary key, then index process_unsettled: who waits has the same overlap hash.
SELECT f.id
FROM process p JOIN process f ON f.overlap_hash = p.overlap_hash AND f.state < 3 AND f.after = p.id
WHERE p.id = $1::bigint ORDER BY f.id;
