-- Which executions have published into which history table: `into_table` with its schema, `lane` is the pipeline, the
-- entity and the parameters (JSON), so that a newer execution of the same lane replaces all that an older one published.
-- Carril's own table; the `current` views read it.
create table if not exists carril_target.publication (
    into_table text not null,
    execution_id bigint not null,
    lane text not null,
    published_at timestamptz not null,
    primary key (into_table, execution_id)
);
create index if not exists publication_by_lane on carril_target.publication (into_table, md5(lane), execution_id);
create index if not exists publication_by_execution on carril_target.publication (execution_id);
