-- Settles a process in which nothing is left to do. Refused (no row) while an execution is unsettled, the process's own included, or
-- when it is settled already; a settled one may still become rolled back (7). That (7) is refused until all of it is. One that was
-- cancelled since this was decided settles as its cancel says, or not at all; one that was paused (2) since waits for its resume,
-- unless it is being cancelled or is undone. Whatever was seen before: succeeded (3) is one in which
-- nothing has failed or was cancelled, completed with errors (4) one in which something was, failed (5) one whose own stage failed.
-- $1 process, $2 state, $3 reason, $4 when (microseconds). By primary keys.
UPDATE process p
SET state = $2::bigint, reason = coalesce($3::text, p.reason), cancelling = NULL,
  ended_at = CASE WHEN p.state < 3 THEN $4::bigint ELSE p.ended_at END
FROM process_row r
WHERE p.id = $1::bigint AND r.id = $1::bigint AND p.state <> 0 AND p.state <> 7
  AND p.total = r.succeeded + r.failed + r.skipped + r.cancelled + r.rolled_back
  AND (p.own_execution IS NULL OR r.own_state > 2)
  AND ($2::bigint <> 7 OR r.rolled_back = p.total)
  AND ($2::bigint <> 3 OR r.failed + r.cancelled = 0)
  AND ($2::bigint <> 4 OR r.failed + r.cancelled > 0)
  AND ($2::bigint <> 5 OR p.cancelling = 5 OR r.own_state = 4)
  AND ($2::bigint = 7 OR p.cancelling IS NULL OR p.cancelling = $2::bigint)
  AND (p.state <> 2 OR $2::bigint = 7 OR p.cancelling IS NOT NULL)
  AND (p.state < 3 OR $2::bigint = 7);
