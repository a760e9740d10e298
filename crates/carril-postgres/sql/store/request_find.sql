-- Requests that nobody has answered, oldest first.
-- $1 at most. Index: request_open.
SELECT id, wish FROM request WHERE answer IS NULL ORDER BY posted_at, id LIMIT $1::bigint;
