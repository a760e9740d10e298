-- An engine's sign of life, which renews its lease. Refused (no row) when the store no longer takes it for alive.
-- $1 node, $2 now (microseconds), $3 how long a lease lasts (milliseconds). By primary key; no index moves.
UPDATE node SET last_seen = greatest(last_seen, $2::bigint), lease_until = clock_timestamp() + $3::bigint * interval '1 millisecond'
WHERE id = $1::bigint AND left_at IS NULL;
