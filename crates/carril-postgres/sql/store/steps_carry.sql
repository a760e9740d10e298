-- Takes steps' latest attempts over from the run before; what there is to say about them is in steps_carry_detail.
-- Of each: $1 execution, $2 the run before, $3 step. By primary key.
INSERT INTO step (execution_id, run, step, attempt, state, began, micros)
SELECT l.execution_id, l.run + 1, l.step, l.attempt, l.state, l.began, l.micros
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS w (execution_id, run, step)
CROSS JOIN LATERAL (
  SELECT s.* FROM step s
  WHERE s.execution_id = w.execution_id AND s.run = w.run AND s.step = w.step
  ORDER BY s.attempt DESC LIMIT 1
) l;
