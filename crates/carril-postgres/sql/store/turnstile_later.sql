-- Gives the number of a transaction that passes the turnstile later. No parameter is looked at; $1 the turnstile.
SELECT pg_current_xact_id()::text, $1::bigint;
