-- A step takes a signal: no other does. Refused (no row) when another has taken it. The claim was looked at before, in the same transaction.
-- $1 execution, $2 run, $3 number, $4 step, $5 now (microseconds). By primary key.
UPDATE signal SET taken_run = $2::bigint, taken_step = $4::bigint, taken_at = $5::bigint
WHERE execution_id = $1::bigint AND number = $3::bigint AND taken_run IS NULL;
