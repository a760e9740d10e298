-- An engine is over: it left, or another took its place.
-- $1 node, $2 when (microseconds). By primary key.
UPDATE node SET left_at = $2::bigint WHERE id = $1::bigint;
