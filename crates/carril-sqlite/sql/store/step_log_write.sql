-- Keeps what an attempt printed; its row has just been accepted.
-- ?1 execution, ?2 run, ?3 step, ?4 attempt, ?5 text. By primary key.
INSERT OR REPLACE INTO step_log (execution_id, run, step, attempt, log) VALUES (?1, ?2, ?3, ?4, ?5);
