-- Whether an execution has an unread signal for one of the keys that it is parked for; a word of another run is no answer.
-- ?1 execution, ?2 run. By primary keys, over the execution's own signals.
SELECT 1 FROM signal s
WHERE s.execution_id = ?1 AND s.taken_run IS NULL AND (s.run = ?2 OR s.wake_key NOT LIKE 'approval:%')
  AND EXISTS (SELECT 1 FROM wake_key k WHERE k.execution_id = ?1 AND k.wake_key = s.wake_key);
