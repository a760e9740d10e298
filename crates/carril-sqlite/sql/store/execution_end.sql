-- Settles an execution from outside its claim; the caller has read it in this transaction.
-- ?1 execution, ?2 expected state, ?3 new state, ?4 when (microseconds), ?5 cause, ?6 about, ?7 since (microseconds), ?8 sums (JSON),
-- ?9 error (JSON). By primary key; leaves execution_claim and execution_wake; its lane entry is swept later.
UPDATE execution SET state = ?3, cancelling = 0, parked = 0, wake_at = NULL, ended_at = ?4, cause = ?5, about = ?6, since = ?7, sums = ?8, error = ?9
WHERE id = ?1 AND state = ?2;
