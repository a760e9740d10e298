-- The customer's row of the month; it is published when the lane is done. :name is an attribute.
insert into customer_rows (month, customer_id, name, orders, amount)
select :month, cast(:entity_key as integer), :name, count(*), round(coalesce(sum(amount), 0), 2)
from collected_orders;
