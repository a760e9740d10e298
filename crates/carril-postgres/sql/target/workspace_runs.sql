-- The runs of an execution that have, or had, a workspace: $1 execution. With the process, which names the schema. By the primary key.
select run, process_id from carril_target.workspace where execution_id = $1 order by run;
