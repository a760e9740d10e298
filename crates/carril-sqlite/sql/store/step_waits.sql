-- Whether a step of a run waits just now. ?1 execution, ?2 run, ?3 step. By primary key.
SELECT 1 FROM step WHERE execution_id = ?1 AND run = ?2 AND step = ?3 AND state = 7;
