-- Fixed income: the price of a unit in rupees (value in lakh x 100,000 / quantity), beside coupon, maturity and yield.
delete from posmodrf_worktable;

insert into posmodrf_worktable (line, isin, instrument, rating, coupon, maturity, unit_price, market_value, yield)
select
    m.line, m.isin, m.instrument, m.rating, m.coupon, m.maturity,
    m.market_value * 100000 / nullif(m.quantity, 0),
    m.market_value,
    m.yield
from extract_posmodrf m;
