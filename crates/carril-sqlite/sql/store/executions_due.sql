-- Parked executions whose time has come, longest due first, with all that a change from outside needs to know.
-- ?1 now (microseconds), ?2 at most. Index: execution_wake.
SELECT id, process_id, run, token, state, segment, per_process, lane_hash, rolling_back, cancelling, cause, about, since, sums, parked, unread
FROM execution INDEXED BY execution_wake WHERE wake_at <= ?1 ORDER BY wake_at LIMIT ?2;
