-- Whether a step of a run waits just now. $1 execution, $2 run, $3 step. By primary key.
SELECT 1 FROM step WHERE execution_id = $1::bigint AND run = $2::bigint AND step = $3::bigint AND state = 7;
