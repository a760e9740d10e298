-- A settled process runs again, from the earliest segment that is to be run.
-- ?1 process, ?2 segment, ?3 open. By primary key.
UPDATE process
SET state = 1, segment = ?2, open = ?3, cancelling = NULL, reopened = 1, reason = NULL, ended_at = NULL
WHERE id = ?1 AND state > 2;
