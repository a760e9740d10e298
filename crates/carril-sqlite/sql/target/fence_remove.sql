-- Removes an execution's fence rows; its token was raised before, so nobody can still pass them. ?1 execution.
delete from main.carril_fence where execution_id = ?1;
