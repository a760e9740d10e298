-- Moves the numbers of processes by what this engine changed.
-- $1 node, then of each process, sorted: $2 its id, $3 open, $4 succeeded, $5 failed, $6 skipped, $7 cancelled, $8 rolled back, $9 waiting:
-- by how many. By primary key of tally; no index moves.
INSERT INTO tally (process_id, node, open, succeeded, failed, skipped, cancelled, rolled_back, waiting)
SELECT t.process_id, $1::bigint, t.open, t.succeeded, t.failed, t.skipped, t.cancelled, t.rolled_back, t.waiting
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
  AS t (process_id, open, succeeded, failed, skipped, cancelled, rolled_back, waiting)
ON CONFLICT (process_id, node) DO UPDATE
SET open = tally.open + excluded.open, succeeded = tally.succeeded + excluded.succeeded, failed = tally.failed + excluded.failed,
  skipped = tally.skipped + excluded.skipped, cancelled = tally.cancelled + excluded.cancelled,
  rolled_back = tally.rolled_back + excluded.rolled_back, waiting = tally.waiting + excluded.waiting;
