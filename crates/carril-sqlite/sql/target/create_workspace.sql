-- Which executions have, or may have, rows in tables that executions share: written with an execution's first step, removed when
-- the last of its rows is gone. Carril's own table.
create table if not exists main.carril_workspace (
    process_id integer not null,
    execution_id integer not null,
    primary key (process_id, execution_id)
) without rowid;
