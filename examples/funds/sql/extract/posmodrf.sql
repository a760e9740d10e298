-- The fund's fixed income with coupon, maturity and published yields. Relies on the primary key of homol_posmodrf.
delete from extract_posmodrf;

insert into extract_posmodrf (line, instrument, isin, rating, coupon, maturity, quantity, market_value, yield, yield_to_call)
select m.line, m.instrument, m.isin, m.rating, m.coupon, m.maturity, m.quantity, m.market_value, m.yield, m.yield_to_call
from homol_posmodrf m
where m.report_date = :report_date
  and m.portfolio = :portfolio_geneva;
