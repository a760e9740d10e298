-- The fence: one row per part of a step in a run. `fence` is the newest attempt that began, `done_fence` the one that
-- committed, `outcome` what it achieved, `done_at` when. Carril's own table.
create table if not exists carril_target.fence (
    execution_id bigint not null,
    run bigint not null,
    step integer not null,
    part text not null,
    fence bigint not null,
    done_fence bigint,
    outcome json,
    done_at timestamptz,
    primary key (execution_id, run, step, part)
) with (fillfactor = 70);
