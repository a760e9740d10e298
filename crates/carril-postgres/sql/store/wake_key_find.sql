-- Whether a parked execution is woken by a key.
-- $1 execution, $2 key. By primary key.
SELECT 1 FROM wake_key WHERE execution_id = $1::bigint AND wake_key = $2::text;
