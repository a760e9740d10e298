-- Waits until nobody is alone in the store, and keeps it so until the transaction's end. Gives the transaction's number.
-- $1 the turnstile.
SELECT pg_current_xact_id()::text, pg_advisory_xact_lock_shared($1::bigint)::text;
