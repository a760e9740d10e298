-- Whether an execution has an unread signal for one of the keys that it parks for; a word of another run is no answer.
-- $1 execution, $2 run, $3 keys. By primary key, over the execution's own signals.
SELECT 1 FROM signal s
WHERE s.execution_id = $1::bigint AND s.taken_run IS NULL AND (s.run = $2::bigint OR s.wake_key NOT LIKE 'approval:%')
  AND s.wake_key = ANY($3::text[])
LIMIT 1;
