-- Hides a settled process that is about to be forgotten, from everybody and for good: like a launch that was not finished, but
-- with an end. Not one that is being rolled back, nor one that another waits for.
-- $1 process. By primary key, then indexes execution_rolling_back and process_unsettled.
UPDATE process SET state = 0, idempotency_key = NULL
WHERE id = $1::bigint AND ended_at IS NOT NULL AND (state > 2 OR state = 0)
  AND NOT EXISTS (SELECT 1 FROM execution r WHERE r.process_id = $1::bigint AND r.rolling_back)
  AND NOT EXISTS (SELECT 1 FROM process f WHERE f.overlap_hash = process.overlap_hash AND f.state < 3 AND f.after = $1::bigint);
