-- Claims an execution: the token grows, so that whoever had it before is refused.
-- ?1 execution, ?2 token it must have, ?3 node, ?4 when (microseconds), ?5 sums (JSON). By primary key; leaves execution_claim.
UPDATE execution
SET state = 1, token = token + 1, node = ?3, started_at = coalesce(started_at, ?4), parked = 0, cause = 'running', about = NULL, since = ?4, sums = ?5,
  room = substr(room, 1, 28)
WHERE id = ?1 AND token = ?2 AND state = 0;
