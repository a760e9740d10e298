-- A settled process runs again, from the earliest segment that is to be run, in which nobody is yet.
-- $1 process, $2 segment. By primary keys.
UPDATE process
SET state = 1, segment = $2::bigint, opened = -(SELECT coalesce(sum(t.open), 0) FROM tally t WHERE t.process_id = $1::bigint),
  cancelling = NULL, reopened = true, reason = NULL, ended_at = NULL
WHERE id = $1::bigint AND state > 2;
