-- What is known of a workspace: whether it is gone, whether its schema is there, and how many of some steps have committed in this
-- run or in one that it took over. $1 execution, $2 run, $3 schema, $4 steps. By the primary keys.
select
    w.gone,
    exists (select from pg_namespace as n where n.nspname = $3),
    (
        select count(distinct f.step)
        from carril_target.fence as f
        where f.execution_id = $1 and f.run <= $2 and f.step = any ($4::int4[]) and f.done_fence is not null
    )
from carril_target.workspace as w
where w.execution_id = $1 and w.run = $2;
