-- Which executions have published into which history table: `into_table` in small letters, `lane` is the pipeline, the
-- entity and the parameters (JSON), so that a newer execution of the same lane replaces all that an older one published.
-- Carril's own table; the `current` views read it.
create table if not exists main.carril_publication (
    into_table text not null,
    execution_id integer not null,
    lane text not null,
    published_at text not null,
    primary key (into_table, execution_id)
) without rowid;
create index if not exists main.carril_publication_by_lane on carril_publication (into_table, lane, execution_id);
