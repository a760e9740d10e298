-- Executions of a process that have a workspace. $1 process. By the partial index of those that are not gone.
select distinct execution_id from carril_target.workspace where process_id = $1 and not gone order by execution_id;
