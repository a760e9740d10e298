-- Whether a key has an unread signal in the present run. $1 execution, $2 key, $3 run. By primary key, over the execution's own signals.
SELECT 1 FROM signal WHERE execution_id = $1::bigint AND wake_key = $2::text AND run = $3::bigint AND taken_run IS NULL;
