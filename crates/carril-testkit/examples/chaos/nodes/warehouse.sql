-- What the pipeline works on. Tables of effects have no unique key; the indexes only make the steps quick.
create table entity_list (name text primary key, pair text not null, bank text not null, amount bigint not null, parks boolean not null);
create table account (name text primary key, balance bigint not null default 0);
create table effect (
  execution bigint not null, lane text not null, step text not null,
  began timestamptz not null default clock_timestamp(), ended timestamptz
);
create index effect_of on effect (execution, step);
create table process_effect (process bigint not null, rows bigint not null);
create table lane_effect (entity text not null, serial integer not null);
-- Fails by chance as a serialisation failure does, which may go away by itself.
create function stumble(chance double precision) returns boolean language plpgsql as $$
begin
  if random() < chance then
    raise exception 'stumbled' using errcode = '40001';
  end if;
  return true;
end $$;
