-- A claimed execution is handed back unfinished; while its process is paused, that is what it waits for. Refused (no row) when the claim is no longer right.
-- ?1 execution, ?2 run, ?3 token, ?4 cause, ?5 about, ?6 since (microseconds), ?7 sums (JSON). By primary key; enters execution_claim.
UPDATE execution SET state = 0, node = NULL, cause = CASE (SELECT p.state FROM process p WHERE p.id = process_id) WHEN 2 THEN 'paused' ELSE ?4 END, about = ?5, since = ?6, sums = ?7
WHERE id = ?1 AND run = ?2 AND token = ?3 AND state = 1;
