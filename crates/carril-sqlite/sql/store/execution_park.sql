-- A claimed execution has done its segment and waits for another. Refused (no row) when the claim is no longer right.
-- ?1 execution, ?2 run, ?3 token, ?4 segment, ?5 cause, ?6 about, ?7 since (microseconds), ?8 sums (JSON). By primary key.
UPDATE execution SET state = 2, segment = ?4, node = NULL, cause = ?5, about = ?6, since = ?7, sums = ?8
WHERE id = ?1 AND run = ?2 AND token = ?3 AND state = 1
RETURNING process_id, per_process, lane_hash, cancelling;
