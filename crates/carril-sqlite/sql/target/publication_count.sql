-- How many tables an execution has published into. ?1 execution.
select count(*) from main.carril_publication where execution_id = ?1;
