-- Writes down how it ended.
-- $1 deed, $2 status, $3 code or null. By primary key.
UPDATE deed SET status = $2::bigint, code = $3::text WHERE id = $1::bigint;
