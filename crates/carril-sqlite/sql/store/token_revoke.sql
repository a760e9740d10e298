-- Ends a token.
-- ?1 name, ?2 now (microseconds). By token_of_name.
UPDATE token SET revoked_at = ?2 WHERE name = ?1 AND revoked_at IS NULL;
