-- What tenants work on: who they are, what their services deliver each round, and the tables that their work goes through. `batch` is
-- the id under which rows lie: one for all tenants of a round in the old design, the execution's own in Carril.
create table tenant (
    tenant bigint primary key,
    portfolio varchar(12) not null
);

-- Delivered in no order: rows lie as they came. Tenants that share a portfolio hold the same instruments, in quantities of their own.
create table feed_holding (
    round bigint not null,
    tenant bigint not null,
    instrument varchar(12) not null,
    grade varchar(2) not null,
    price bigint not null
);
create index feed_holding_by_tenant on feed_holding (round, tenant);

create table feed_lot (
    round bigint not null,
    tenant bigint not null,
    instrument varchar(12) not null,
    lot bigint not null,
    quantity bigint not null
);
create index feed_lot_by_tenant on feed_lot (round, tenant);

-- As in the old system: what is extracted is known by its batch and portfolio only.
create table extract_holding (
    batch bigint not null,
    portfolio varchar(12) not null,
    instrument varchar(12) not null,
    grade varchar(2) not null,
    price bigint not null,
    primary key (batch, portfolio, instrument)
);

create table extract_lot (
    batch bigint not null,
    portfolio varchar(12) not null,
    instrument varchar(12) not null,
    lot bigint not null,
    quantity bigint not null,
    primary key (batch, portfolio, instrument, lot)
);

-- And what is worked out, by its batch and tenant.
create table staging_lot (
    batch bigint not null,
    tenant bigint not null,
    instrument varchar(12) not null,
    lot bigint not null,
    amount bigint not null,
    primary key (batch, tenant, instrument, lot)
);

create table staging_holding (
    batch bigint not null,
    tenant bigint not null,
    instrument varchar(12) not null,
    grade varchar(2) not null,
    lots bigint not null,
    amount bigint not null,
    primary key (batch, tenant, instrument)
);

-- What reports read: of each tenant exactly what the newest round says.
create table final_holding (
    tenant bigint not null,
    instrument varchar(12) not null,
    grade varchar(2) not null,
    lots bigint not null,
    amount bigint not null,
    primary key (tenant, instrument)
);

create table final_lot (
    tenant bigint not null,
    instrument varchar(12) not null,
    lot bigint not null,
    amount bigint not null,
    primary key (tenant, instrument, lot)
);
