-- Waits until nobody else is writing in the store, and keeps everybody out until the transaction's end. Gives the transaction's number.
-- $1 the turnstile.
SELECT pg_current_xact_id()::text, pg_advisory_xact_lock($1::bigint)::text;
