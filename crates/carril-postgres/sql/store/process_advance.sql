-- Opens the next segment when nobody is left in the present one. Refused (no row) when the process has moved on.
-- $1 process, $2 segment it must be in, $3 next segment. By primary keys.
UPDATE process SET segment = $3::bigint
WHERE id = $1::bigint AND segment = $2::bigint AND $3::bigint > $2::bigint AND state = 1 AND cancelling IS NULL
  AND opened + (SELECT coalesce(sum(t.open), 0) FROM tally t WHERE t.process_id = $1::bigint) = 0;
