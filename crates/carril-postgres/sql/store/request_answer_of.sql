-- The answer to a request; null while there is none, no row when it was withdrawn.
-- $1 request. By primary key.
SELECT answer FROM request WHERE id = $1::bigint;
