-- Keeps a breaker as it is, unless what is kept counts as many changes or more.
-- $1 resource, $2 change, $3 state, $4 failures, $5 successes, $6 since, $7 until (microseconds), $8 forced, $9 reason. By primary key.
INSERT INTO breaker (resource, change, state, failures, successes, since, until, forced, reason)
VALUES ($1::text, $2::bigint, $3::text, $4::bigint, $5::bigint, $6::bigint, $7::bigint, $8::boolean, $9::text)
ON CONFLICT (resource) DO UPDATE SET change = excluded.change, state = excluded.state, failures = excluded.failures,
  successes = excluded.successes, since = excluded.since, until = excluded.until, forced = excluded.forced, reason = excluded.reason
WHERE excluded.change > breaker.change;
