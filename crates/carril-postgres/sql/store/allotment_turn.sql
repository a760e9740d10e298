-- Waits until nobody else settles allotments, and keeps others from it until the transaction's end. It is asked after the turnstile,
-- which whoever settles shares. $1 the lock.
SELECT pg_advisory_xact_lock($1::bigint)::text;
