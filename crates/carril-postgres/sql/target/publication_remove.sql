-- Takes back that an execution has published, which hides all its rows at once. $1 execution. By the index by execution.
delete from carril_target.publication where execution_id = $1;
