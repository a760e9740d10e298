-- Marks a process as being cancelled. Refused (no row) when it is settled or being cancelled already.
-- $1 process, $2 the state it will have, $3 reason. By primary key.
UPDATE process SET cancelling = $2::bigint::smallint, reason = $3::text WHERE id = $1::bigint AND state IN (1, 2) AND cancelling IS NULL;
