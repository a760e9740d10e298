-- A claimed execution is handed back unfinished. Refused (no row) when the claim is no longer right.
-- ?1 execution, ?2 run, ?3 token, ?4 cause, ?5 about, ?6 since (microseconds), ?7 sums (JSON). By primary key; enters execution_claim.
UPDATE execution SET state = 0, node = NULL, cause = ?4, about = ?5, since = ?6, sums = ?7
WHERE id = ?1 AND run = ?2 AND token = ?3 AND state = 1;
