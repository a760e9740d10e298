-- Where the stages of some executions of a process stand, in order. ?1 process, ?2 and ?3 the first and the last execution.
-- By primary keys, within that range.
SELECT execution_id, stage, state FROM stage_row
WHERE process_id = ?1 AND execution_id BETWEEN ?2 AND ?3 AND state IS NOT NULL
ORDER BY execution_id, first_step;
