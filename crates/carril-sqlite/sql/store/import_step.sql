-- An attempt of an execution that another program ran.
-- ?1 execution, ?2 step, ?3 attempt, ?4 state, ?5 began, ?6 how long (microseconds).
INSERT INTO step (execution_id, run, step, attempt, state, began, micros) VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6);
