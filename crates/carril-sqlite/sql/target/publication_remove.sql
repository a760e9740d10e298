-- Takes back that an execution has published, which hides all its rows at once. ?1 execution.
delete from main.carril_publication where execution_id = ?1;
