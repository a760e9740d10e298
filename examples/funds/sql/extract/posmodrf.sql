-- The fund's fixed income with coupon, maturity, days to the coupons and published yields.
-- Relies on the primary key of homol_posmodrf.
delete from extract_posmodrf;

insert into extract_posmodrf (
    line, instrument, isin, rating, coupon, maturity, quantity, market_value, yield, yield_to_call, is_floating,
    coupons_per_year, coupons_left, days_to_coupon, days_in_period, days_to_maturity
)
select
    m.line, m.instrument, m.isin, m.rating, m.coupon, m.maturity, m.quantity, m.market_value, m.yield, m.yield_to_call,
    m.is_floating, m.coupons_per_year, m.coupons_left, m.days_to_coupon, m.days_in_period, m.days_to_maturity
from homol_posmodrf m
where m.report_date = :report_date
  and m.portfolio = :portfolio_geneva;
