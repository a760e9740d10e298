-- How many fence rows an execution has. ?1 execution.
select count(*) from main.carril_fence where execution_id = ?1;
