-- What a claimed execution waits for now. Refused (no row) when the claim is no longer right.
-- ?1 execution, ?2 run, ?3 token, ?4 cause, ?5 about, ?6 since (microseconds), ?7 sums (JSON). By primary key.
UPDATE execution SET cause = ?4, about = ?5, since = ?6, sums = ?7
WHERE id = ?1 AND run = ?2 AND token = ?3 AND state = 1;
