-- Takes a wish back that nobody has answered.
-- $1 request. By primary key.
DELETE FROM request WHERE id = $1::bigint AND answer IS NULL;
