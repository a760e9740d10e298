-- Whether an execution may have rows in tables that executions share. ?1 process, ?2 execution. By the primary key.
select exists (select 1 from main.carril_workspace where process_id = ?1 and execution_id = ?2);
