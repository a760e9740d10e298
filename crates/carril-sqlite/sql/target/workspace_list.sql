-- Executions of a process that may have rows in tables that executions share. ?1 process. By the primary key.
select execution_id from main.carril_workspace where process_id = ?1 order by execution_id;
