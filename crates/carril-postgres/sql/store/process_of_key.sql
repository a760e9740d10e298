-- The process that a launch with this idempotency key made.
-- $1 key. Index: process_idempotency.
SELECT id FROM process WHERE idempotency_key = $1::text;
