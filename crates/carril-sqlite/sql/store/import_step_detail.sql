-- What there is to say about an attempt of an execution that another program ran.
-- ?1 execution, ?2 step, ?3 attempt, ?4 failures, ?5 reason, ?6 error (JSON).
INSERT INTO step_detail (execution_id, run, step, attempt, failures, reason, error) VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6);
