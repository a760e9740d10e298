-- The fence: one row per part of a step in a run. `fence` is the newest attempt that began, `done_fence` the one that
-- committed, `outcome` what it achieved (JSON), `done_at` when (microseconds since 1970, UTC). Carril's own table.
create table if not exists main.carril_fence (
    execution_id integer not null,
    run integer not null,
    step integer not null,
    part text not null,
    fence integer not null,
    done_fence integer,
    outcome text,
    done_at integer,
    primary key (execution_id, run, step, part)
) without rowid;
