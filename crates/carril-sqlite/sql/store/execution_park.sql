-- A claimed execution has done its segment and waits for another. Refused (no row) when the claim is no longer right.
-- ?1 execution, ?2 run, ?3 token, ?4 process, ?5 the process's own, ?6 segment, ?7 cause, ?8 about, ?9 since (microseconds),
-- ?10 sums (JSON). By primary key.
UPDATE execution SET state = 2, segment = ?6, node = NULL, cause = ?7, about = ?8, since = ?9, sums = ?10
WHERE id = ?1 AND run = ?2 AND token = ?3 AND state = 1 AND process_id = ?4 AND per_process = ?5;
