-- Attempts under way, and waits, of an execution that was settled from outside were cancelled.
-- ?1 execution, ?2 run, ?3 when (microseconds). By primary key.
UPDATE step SET state = 5, micros = max(0, ?3 - began) WHERE execution_id = ?1 AND run = ?2 AND state IN (1, 7);
