-- Each lot at its holding's price.
delete from staging_lot where batch = :execution_id and tenant = :tenant;

insert into staging_lot (batch, tenant, instrument, lot, amount)
select :execution_id, :tenant, l.instrument, l.lot, l.quantity * h.price
from extract_lot as l
join extract_holding as h on h.batch = l.batch and h.portfolio = l.portfolio and h.instrument = l.instrument
where l.batch = :execution_id and l.portfolio = :portfolio;
