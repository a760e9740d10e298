-- Pauses a running process. Refused (no row) when it is not running or being cancelled.
-- $1 process. By primary key.
UPDATE process SET state = 2 WHERE id = $1::bigint AND state = 1 AND cancelling IS NULL;
