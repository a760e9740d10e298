-- Establishes an attempt before its work: a later one is refused no more than an earlier one may still commit.
-- ?1 execution, ?2 run, ?3 step, ?4 part, ?5 fence. No row changed: the part is done, or a newer attempt began.
insert into main.carril_fence (execution_id, run, step, part, fence)
values (?1, ?2, ?3, ?4, ?5)
on conflict (execution_id, run, step, part) do update set fence = excluded.fence
where carril_fence.fence < excluded.fence and carril_fence.done_fence is null;
