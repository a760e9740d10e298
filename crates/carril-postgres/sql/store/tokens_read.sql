-- Every token, the newest first.
-- $1 at most so many. By primary key.
SELECT id, name, role, created_by, created_at, expires_at, revoked_at FROM token ORDER BY id DESC LIMIT $1::bigint;
