-- Which executions have, or had, a workspace in which run. A row comes with its schema, in one transaction, and stays when the
-- schema goes, as `gone`: whoever still works for that run is refused by it. Where executions share their tables there is no schema whose
-- being there tells that something is left, so that is noted (`rows_left`). Carril's own table.
create table if not exists carril_target.workspace (
    execution_id bigint not null,
    run bigint not null,
    process_id bigint not null,
    gone boolean not null default false,
    rows_left boolean not null default false,
    primary key (execution_id, run)
);
alter table carril_target.workspace add column if not exists rows_left boolean not null default false;
create index if not exists workspace_of_process on carril_target.workspace (process_id, execution_id) where not gone;
create index if not exists workspace_with_rows on carril_target.workspace (process_id, execution_id) where rows_left;
