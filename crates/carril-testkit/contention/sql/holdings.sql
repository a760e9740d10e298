-- Each holding with the sum of its lots.
delete from staging_holding where batch = :execution_id and tenant = :tenant;

insert into staging_holding (batch, tenant, instrument, grade, lots, amount)
select :execution_id, :tenant, h.instrument, h.grade, count(*), sum(l.amount)
from extract_holding as h
join staging_lot as l on l.batch = h.batch and l.instrument = h.instrument and l.tenant = :tenant
where h.batch = :execution_id and h.portfolio = :portfolio
group by h.instrument, h.grade;
