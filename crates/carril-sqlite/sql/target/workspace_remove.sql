-- Notes that nothing is left of an execution in tables that executions share. ?1 process, ?2 execution.
delete from main.carril_workspace where process_id = ?1 and execution_id = ?2;
