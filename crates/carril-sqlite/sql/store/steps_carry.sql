-- Takes a step's latest attempt over from the run before; what there is to say about it is in steps_carry_detail.
-- ?1 execution, ?2 the run before, ?3 step. By primary key.
INSERT INTO step (execution_id, run, step, attempt, state, began, micros)
SELECT execution_id, run + 1, step, attempt, state, began, micros
FROM step WHERE execution_id = ?1 AND run = ?2 AND step = ?3
ORDER BY attempt DESC LIMIT 1;
