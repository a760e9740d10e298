-- The last states of a breaker, newest first. $1 resource, $2 how many. By primary key.
SELECT resource, change, state, 0::bigint, 0::bigint, since, until, forced, reason FROM breaker_history
WHERE resource = $1::text ORDER BY since DESC, change DESC LIMIT $2::bigint;
