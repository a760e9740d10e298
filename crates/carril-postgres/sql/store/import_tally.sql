-- The numbers of processes that another program ran.
-- $1 the engine that imports them; of each: $2 process, $3 succeeded, $4 failed, $5 skipped, $6 cancelled.
INSERT INTO tally (process_id, node, open, succeeded, failed, skipped, cancelled, rolled_back, waiting)
SELECT w.process_id, $1::bigint, 0, w.succeeded, w.failed, w.skipped, w.cancelled, 0, 0
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) AS w (process_id, succeeded, failed, skipped, cancelled);
