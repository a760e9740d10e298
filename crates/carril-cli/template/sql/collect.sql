-- Fills the lane's own table. `collected_orders` is this lane's, `orders` is the warehouse's.
-- :entity_key is the entity's key (as text), :month the parameter; values are bound, never pasted into the text.
insert into collected_orders (order_id, ordered_on, amount)
select order_id, ordered_on, amount
from orders
where customer_id = cast(:entity_key as integer)
  and strftime('%Y-%m', ordered_on) = :month;
