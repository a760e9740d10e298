-- All that a change from outside needs to know about an execution.
-- ?1 execution. By primary key.
SELECT id, process_id, run, token, state, segment, per_process, lane_hash, rolling_back, cancelling, cause, about, since, sums, parked, unread
FROM execution WHERE id = ?1;
