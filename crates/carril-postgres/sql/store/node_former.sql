-- Engines that never left and are over, with the last time they were seen (microseconds): their lease has run out, or whoever asks was that
-- one before it lost its connection. While the database was down nobody could renew a lease, so after its start every lease gets a
-- fresh period; not one that had run out a day before.
-- $1 the engine that asks, $2 how long a lease lasts (milliseconds), $3 who it was before, or null.
-- Index: none, one row per engine that ever ran.
SELECT id, last_seen FROM node
WHERE left_at IS NULL AND id <> $1::bigint AND (id = $3::bigint OR (lease_until < clock_timestamp() AND (
  lease_until < pg_postmaster_start_time() - interval '1 day'
  OR clock_timestamp() > pg_postmaster_start_time() + $2::bigint * interval '1 millisecond')))
ORDER BY id;
