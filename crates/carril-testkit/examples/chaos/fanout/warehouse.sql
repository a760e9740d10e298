-- The fan-out's warehouse: who takes part, what is broken for whom, and the tables in which effects are seen.
-- No table of effects has a unique key: whatever is done twice is there twice.
pragma journal_mode = wal;

create table entity_list (
    name text not null, batch integer not null, pair text not null, extra integer not null, amount integer not null
);
-- For whom a step never succeeds.
create table broken (name text not null, step text not null);

-- What lanes did to shared tables.
create table effect (execution_id integer, process_id integer, run integer, entity text, step text);
-- `seen` is the sum of the executions whose rows the process's own stage has read.
create table process_effect (
    execution_id integer, process_id integer, run integer, lanes integer, rows integer, seen integer
);
-- A move takes from the entity's own account and gives to one that all share; all of it sums to nothing.
create table account (name text not null, balance integer not null);
insert into account (name, balance) values ('everybody', 0);
-- A row without `held` cannot be inserted: so a step fails after its effects, by chance.
create table trial (held integer not null);

-- What each lane has to itself. `serial` counts on, so a step that is done twice leaves two rows.
create table lane_effect (
    serial integer primary key autoincrement, entity text, writer integer, run integer, step text, note text
);
create table lane_trial (held integer not null);
create table lane_total (entity text, writer integer, run integer, rows integer, steps integer);
