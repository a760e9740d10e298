-- Forgets all but the newest states of a breaker. $1 resource, $2 how many stay. By primary key.
DELETE FROM breaker_history WHERE resource = $1::text AND since < (
  SELECT since FROM breaker_history WHERE resource = $1::text ORDER BY since DESC LIMIT 1 OFFSET $2::bigint
);
