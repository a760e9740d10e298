-- Merges both into the tables that reports read: what is new comes in, what is there changes, what is no longer held goes.
delete from final_lot where tenant = :tenant;

insert into final_holding (tenant, instrument, grade, lots, amount)
select tenant, instrument, grade, lots, amount
from staging_holding
where batch = :execution_id and tenant = :tenant
on conflict (tenant, instrument) do update
set grade = excluded.grade, lots = excluded.lots, amount = excluded.amount;

delete from final_holding as f
where f.tenant = :tenant
    and not exists (
        select from staging_holding as s
        where s.batch = :execution_id and s.tenant = f.tenant and s.instrument = f.instrument
    );

insert into final_lot (tenant, instrument, lot, amount)
select tenant, instrument, lot, amount
from staging_lot
where batch = :execution_id and tenant = :tenant;
