-- Notes a workspace, in the transaction that makes its schema: $1 execution, $2 run, $3 process, $4 whether
-- its rows will be in tables that executions share. No row: it is there, it is gone, or
-- a later run has one. By the primary key; waits for whoever makes the same.
insert into carril_target.workspace (execution_id, run, process_id, rows_left)
select $1, $2, $3, $4
where not exists (select from carril_target.workspace where execution_id = $1 and run > $2)
on conflict (execution_id, run) do nothing
returning true;
