-- Executions of a process that have a workspace, or whose workspace was shut and is still there: whoever removed it died in between, or
-- lost the server. $1 process. By the partial indexes of those that are not gone and of those with rows in shared tables; the rest by the index of the schemas' names, of which
-- there are as many as workspaces.
select execution_id from carril_target.workspace where process_id = $1 and not gone
union
select execution_id from carril_target.workspace where process_id = $1 and rows_left
union
select w.execution_id
from pg_catalog.pg_namespace n
join carril_target.workspace w on w.execution_id = substring(n.nspname from '_e([0-9]+)_r')::bigint and w.process_id = $1
where n.nspname ^@ ('carril_p' || $1::bigint || '_e')
order by execution_id;
