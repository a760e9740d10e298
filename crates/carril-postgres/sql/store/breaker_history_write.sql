-- Keeps a state that a breaker came into, once: rows that only count more in the same state say nothing new,
-- nor does another row of the same change: what is kept already stands, and the group that brought it goes on.
-- $1 resource, $2 since (microseconds), $3 change, $4 state, $5 until (microseconds), $6 forced, $7 reason. By primary key.
INSERT INTO breaker_history (resource, since, change, state, until, forced, reason)
SELECT $1::text, $2::bigint, $3::bigint, $4::text, $5::bigint, $6::boolean, $7::text
WHERE NOT EXISTS (
  SELECT 1 FROM breaker_history
  WHERE resource = $1::text AND since = $2::bigint AND state = $4::text AND forced = $6::boolean AND reason IS NOT DISTINCT FROM $7::text
)
ON CONFLICT DO NOTHING;
