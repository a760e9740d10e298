-- The entities: one lane for each row. `customer_id` is the key, the other columns are attributes.
select customer_id, name, wants_discount
from customers
where active = 1
order by customer_id
