-- When the next parked execution of a process is due. $1 process. Index: execution_wake, in order of time, up to the first of the process.
SELECT wake_at FROM execution WHERE wake_at IS NOT NULL AND process_id = $1::bigint ORDER BY wake_at LIMIT 1;
