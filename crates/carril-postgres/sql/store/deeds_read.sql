-- What was done, the newest first.
-- $1 before this deed, or null; $2 at most so many. By primary key.
SELECT id, at, who, role, what, came_from, status, code FROM deed
WHERE id < coalesce($1::bigint, 9223372036854775807) ORDER BY id DESC LIMIT $2::bigint;
