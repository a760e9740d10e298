-- The token whose secret has this hash.
-- $1 hash. By the hash, which is unique.
SELECT id, name, role, created_by, created_at, expires_at, revoked_at FROM token WHERE hash = $1::text;
