-- The whole month. Runs once, after all lanes, and so sees what they published in `customer_report`.
insert into month_rows (month, customers, orders, amount)
select :month, count(*), coalesce(sum(orders), 0), round(coalesce(sum(amount), 0), 2)
from customer_report
where month = :month;
