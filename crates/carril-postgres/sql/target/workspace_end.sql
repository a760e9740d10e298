-- Shuts an execution's workspaces: from here on nobody commits a step in them. $1 execution. By the primary key; waits for whoever
-- is committing.
update carril_target.workspace set gone = true where execution_id = $1 and not gone;
