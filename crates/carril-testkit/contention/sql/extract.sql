-- What the tenant's services delivered this round.
delete from extract_lot where batch = :execution_id and portfolio = :portfolio;

delete from extract_holding where batch = :execution_id and portfolio = :portfolio;

insert into extract_holding (batch, portfolio, instrument, grade, price)
select :execution_id, :portfolio, instrument, grade, price
from feed_holding
where round = :round and tenant = :tenant
on conflict (batch, portfolio, instrument) do update set grade = excluded.grade, price = excluded.price;

insert into extract_lot (batch, portfolio, instrument, lot, quantity)
select :execution_id, :portfolio, instrument, lot, quantity
from feed_lot
where round = :round and tenant = :tenant;
