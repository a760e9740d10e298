-- Who claims an execution.
-- ?1 execution. By primary key.
SELECT node FROM execution WHERE id = ?1;
