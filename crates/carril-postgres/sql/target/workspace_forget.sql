-- Takes back a workspace that was prepared for a run that has not begun. $1 execution, $2 run. By the primary key.
delete from carril_target.workspace where execution_id = $1 and run = $2;
