-- Moves the numbers of a process by what a group changed.
-- ?1 process, ?2 open, ?3 succeeded, ?4 failed, ?5 skipped, ?6 cancelled, ?7 rolled back, ?8 waiting: by how many. By primary key, no index moves.
UPDATE process
SET open = open + ?2, succeeded = succeeded + ?3, failed = failed + ?4, skipped = skipped + ?5, cancelled = cancelled + ?6,
  rolled_back = rolled_back + ?7, waiting = waiting + ?8
WHERE id = ?1;
