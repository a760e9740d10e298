-- Shuts out whoever still does a step of an execution that is rolled back. $1 execution. By the primary key.
update carril_target.fence set fence = 9223372036854775807 where execution_id = $1 and done_fence is null;
