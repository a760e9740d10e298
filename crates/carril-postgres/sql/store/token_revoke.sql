-- Ends a token.
-- $1 name, $2 now (microseconds). By token_of_name.
UPDATE token SET revoked_at = $2::bigint WHERE name = $1::text AND revoked_at IS NULL;
