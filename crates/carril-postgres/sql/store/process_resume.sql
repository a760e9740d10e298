-- A paused process goes on. Refused (no row) when it is not paused.
-- $1 process. By primary key.
UPDATE process SET state = 1 WHERE id = $1::bigint AND state = 2;
