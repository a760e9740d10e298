-- A new execution, in its first run, with room for what its claim (28 bytes) and its end (28 bytes) will add.
-- ?1 id, ?2 process, ?3 state, ?4 segment, ?5 ready, ?6 in the lane index, ?7 the process's own, ?8 lane hash, ?9 since (microseconds),
-- ?10 cause.
INSERT INTO execution (id, process_id, run, token, state, segment, ready, lane_open, per_process, lane_hash, since, cause, room)
VALUES (?1, ?2, 1, 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, printf('%56s', ''));
