-- Establishes an attempt before its work: a later one is refused no more than an earlier one may still commit.
-- $1 execution, $2 run, $3 step, $4 part, $5 fence, $6 whether the run has a workspace here, which must not be gone. No row: the
-- part is done, a newer attempt began, or the workspace is gone. By the primary keys; waits for an attempt that is committing.
with lane as materialized (
    select from carril_target.workspace where execution_id = $1 and run = $2 and not gone for share
)
insert into carril_target.fence as f (execution_id, run, step, part, fence)
select $1, $2, $3, $4, $5
where not $6 or exists (select from lane)
on conflict (execution_id, run, step, part) do update set fence = excluded.fence
where f.fence < excluded.fence and f.done_fence is null
returning true;
