-- Unsettled processes: id, state, segment, what a cancel makes of it, whether nobody is left in its segment, and whether something may
-- be claimed there now.
-- $1 above this id, $2 at most. Index: process_unsettled, read whole; it holds little more than unsettled processes. Then primary
-- keys and execution_claim.
SELECT p.id, p.state, p.segment, p.cancelling,
  p.opened + (SELECT coalesce(sum(t.open), 0)::bigint FROM tally t WHERE t.process_id = p.id) = 0,
  p.state = 1 AND coalesce((SELECT a.state FROM process a WHERE a.id = p.after), 3) > 2
    AND EXISTS (SELECT 1 FROM execution e WHERE e.process_id = p.id AND e.segment = p.segment AND e.state = 0 AND e.ready)
FROM process p
WHERE p.state < 3 AND p.state > 0 AND p.ended_at IS NULL AND p.id > $1::bigint
ORDER BY p.id LIMIT $2::bigint;
