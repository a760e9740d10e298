-- The executions of a process that wait for a segment, chunk by chunk in order of id.
-- ?1 process, ?2 above this id, ?3 last id of the process, ?4 at most, ?5 segment. By primary key, over the process's range of ids.
SELECT id, process_id, run, token, state, segment, per_process, lane_hash, rolling_back, cancelling, cause, about, since, sums, parked, unread
FROM execution WHERE id > ?2 AND id <= ?3 AND process_id = ?1 AND state = 2 AND parked = 0 AND segment = ?5
ORDER BY id LIMIT ?4;
