-- A new execution, in its first run, with room for what its claim (28 bytes) and its end (28 bytes) will add.
-- ?1 id, ?2 process, ?3 state, ?4 segment, ?5 ready, ?6 the process's own, ?7 lane hash, ?8 since (microseconds), ?9 cause.
INSERT INTO execution (id, process_id, run, token, state, segment, ready, per_process, lane_hash, since, cause, room)
VALUES (?1, ?2, 1, 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9, printf('%56s', ''));
