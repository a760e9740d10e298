-- The sample warehouse that `carril init` made: a few customers with their orders.
create table customers (
    customer_id integer primary key,
    name text not null,
    active integer not null,
    wants_discount integer not null
);

create table orders (
    order_id integer primary key,
    customer_id integer not null,
    ordered_on text not null,
    article text not null,
    amount real not null
);

insert into customers (customer_id, name, active, wants_discount) values
    (1, 'Alder Books', 1, 1),
    (2, 'Birch Bakery', 1, 0),
    (3, 'Cedar Cycles', 1, 0),
    (4, 'Dogwood Deli', 0, 0),
    (5, 'Elm Electrics', 1, 1);

insert into orders (customer_id, ordered_on, article, amount) values
    (1, '2025-05-19', 'paper', 120.00),
    (1, '2025-06-03', 'paper', 80.00),
    (1, '2025-06-21', 'shelf', 340.50),
    (2, '2025-06-02', 'flour', 61.20),
    (2, '2025-06-09', 'flour', 61.20),
    (2, '2025-06-16', 'flour', 63.90),
    (3, '2025-06-27', 'chains', 415.00),
    (4, '2025-06-11', 'crates', 99.00),
    (5, '2025-05-30', 'cable', 48.75);

-- What the pipeline's lanes get tables like these for; here they stay empty.
create table collected_orders (
    order_id integer primary key,
    ordered_on text not null,
    amount real not null
);

create table customer_rows (
    month text not null,
    customer_id integer not null,
    name text not null,
    orders integer not null,
    amount real not null,
    primary key (month, customer_id)
);

create table month_rows (
    month text primary key,
    customers integer not null,
    orders integer not null,
    amount real not null
);
