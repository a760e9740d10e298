-- Settles a process in which nothing is left to do. Refused (no row) while an execution is unsettled, the process's own included, or
-- when it is settled already; a settled one may still become rolled back (7). That (7) is refused until all of it is. One that was
-- cancelled since this was decided settles as its cancel says, or not at all; one that was paused (2) since waits for its resume,
-- unless it is being cancelled or is undone. Whatever was seen before: succeeded (3) is one in which
-- nothing has failed or was cancelled, completed with errors (4) one in which something was, failed (5) one whose own stage failed,
-- cancelled (6) one that is being cancelled: a retry takes back a cancel that was to settle it.
-- ?1 process, ?2 state, ?3 reason, ?4 when (microseconds). By primary key.
UPDATE process
SET state = ?2, reason = coalesce(?3, reason), cancelling = NULL, ended_at = CASE WHEN state < 3 THEN ?4 ELSE ended_at END
WHERE id = ?1 AND state <> 0 AND state <> 7
  AND total = succeeded + failed + skipped + cancelled + rolled_back
  AND (own_execution IS NULL OR (SELECT o.state FROM execution o WHERE o.id = own_execution) > 2)
  AND (?2 <> 7 OR rolled_back = total)
  AND (?2 <> 3 OR failed + cancelled = 0)
  AND (?2 <> 4 OR failed + cancelled > 0)
  AND (?2 <> 5 OR cancelling = 5 OR (SELECT o.state FROM execution o WHERE o.id = own_execution) = 4)
  AND (?2 <> 6 OR cancelling = 6)
  AND (?2 = 7 OR cancelling IS NULL OR cancelling = ?2)
  AND (state <> 2 OR ?2 = 7 OR cancelling IS NOT NULL)
  AND (state < 3 OR ?2 = 7);
