-- Whether a step has committed in this file, in this run or in one whose file it was copied from.
-- ?1 execution, ?2 run, ?3 step. By primary key.
select exists (
    select 1 from main.carril_fence
    where execution_id = ?1 and run <= ?2 and step = ?3 and done_fence is not null
);
