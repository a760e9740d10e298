-- Charges a pending execution for being paused, or, with 0, for what it waits for once it no longer is.
-- ?1 execution, ?2 whether it is paused, ?3 since (microseconds), ?4 sums (JSON). By primary key.
UPDATE execution
SET cause = CASE WHEN ?2 THEN 'paused' WHEN ready = 1 THEN 'queued' ELSE 'key' END, about = NULL, since = ?3, sums = ?4
WHERE id = ?1 AND state = 0;
