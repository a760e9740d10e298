-- Charges an execution's account: the open cause, its start and the closed sums.
-- ?1 execution, ?2 cause, ?3 what it is about, ?4 since (microseconds), ?5 sums (JSON). By primary key.
UPDATE execution SET cause = ?2, about = ?3, since = ?4, sums = ?5 WHERE id = ?1;
