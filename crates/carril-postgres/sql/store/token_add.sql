-- Keeps a token, unless one of its name is there that was not revoked.
-- $1 name, $2 role, $3 hash, $4 who made it, $5 when and $6 its end or null (microseconds). By token_of_name.
INSERT INTO token (name, role, hash, created_by, created_at, expires_at)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::bigint, $6::bigint)
ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING
RETURNING id;
