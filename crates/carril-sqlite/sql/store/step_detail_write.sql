-- Keeps what an attempt has to say; its row has just been accepted.
-- ?1 execution, ?2 run, ?3 step, ?4 attempt, ?5 failures, ?6 fallback, ?7 retry at (microseconds), ?8 reason, ?9 output, ?10 rows,
-- ?11 error, ?12 waits (JSON each). By primary key.
INSERT OR REPLACE INTO step_detail (execution_id, run, step, attempt, failures, fallback, retry_at, reason, output, table_rows, error, waits)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12);
