-- Removes the fence rows of an execution whose workspaces are all gone: those rows, not these, refuse whoever comes late.
-- $1 execution. By the primary key.
delete from carril_target.fence where execution_id = $1;
