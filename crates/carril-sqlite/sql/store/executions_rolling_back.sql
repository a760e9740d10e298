-- Executions whose rollback has begun.
-- No parameters. Index: execution_rolling_back.
SELECT id, process_id, run, token, state, segment, per_process, lane_hash, rolling_back, cancelling, cause, about, since, sums, parked, unread
FROM execution WHERE rolling_back = 1 ORDER BY process_id, id;
