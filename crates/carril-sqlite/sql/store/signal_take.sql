-- A step takes a signal: no other does. Refused (no row) when the claim is no longer right, or another has taken it.
-- ?1 execution, ?2 run, ?3 token, ?4 number, ?5 step, ?6 now (microseconds). By primary keys.
UPDATE signal SET taken_run = ?2, taken_step = ?5, taken_at = ?6
WHERE execution_id = ?1 AND number = ?4 AND taken_run IS NULL
  AND EXISTS (SELECT 1 FROM execution WHERE id = ?1 AND token = ?3 AND run = ?2 AND state = 1);
