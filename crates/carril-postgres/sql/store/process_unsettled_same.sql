-- The newest unsettled process of the same pipeline and parameters. One that is being forgotten was settled.
-- $1 overlap hash. Index: process_unsettled.
SELECT id FROM process WHERE overlap_hash = $1::bigint AND state < 3 AND ended_at IS NULL ORDER BY id DESC LIMIT 1;
