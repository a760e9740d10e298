-- Notes that an execution has rows in tables that executions share; once. ?1 process, ?2 execution.
insert into main.carril_workspace (process_id, execution_id) values (?1, ?2) on conflict do nothing;
