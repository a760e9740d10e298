-- Notes that no rows of an execution are left in the tables that executions share. $1 execution. By the primary key.
update carril_target.workspace set rows_left = false where execution_id = $1 and rows_left;
