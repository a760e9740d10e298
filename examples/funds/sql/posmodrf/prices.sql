-- Fixed income, priced. A unit's price is value x 100,000 / quantity. Its face is not published: it is the customary one
-- (100, 1,000, 10,000, 1 lakh, 5 lakh, 10 lakh, 1 crore) that puts the price between 80 and 125 per 100 of face, or, for a
-- paper without coupons, below 100 and not below what a yield of 15 % a year would make of it.
--
-- `excluded` names why a line has no yield of ours:
--   no_quantity, no_coupon (securitised debt, for instance), no_maturity, matured,
--   floating      the coupon will change with a rate that nobody knows yet
--   no_frequency  nothing tells how often the coupon is paid
--   no_face       the price fits no customary face: part of the face has been paid back (amortising), or has grown
delete from posmodrf_worktable;

insert into posmodrf_worktable (
    line, isin, instrument, rating, coupon, maturity, unit_price, face, clean_price, market_value, yield, coupons_per_year,
    coupons_left, days_to_coupon, days_in_period, days_to_maturity, method, excluded
)
with faces (face) as (
    values (100.0), (1000.0), (10000.0), (100000.0), (500000.0), (1000000.0), (10000000.0)
),
priced as (
    select
        m.line, m.market_value * 100000 / nullif(m.quantity, 0) as unit_price,
        case when m.coupon > 0 then 80.0 else 100.0 - 15.0 * coalesce(m.days_to_maturity, 0) / 365 end as lowest,
        case when m.coupon > 0 then 125.0 else 100.0 end as highest
    from extract_posmodrf m
),
faced as (
    select p.line, p.unit_price, min(f.face) as face
    from priced p
    left join faces f on p.unit_price * 100 / f.face > p.lowest and p.unit_price * 100 / f.face < p.highest
    group by p.line, p.unit_price
)
select
    m.line, m.isin, m.instrument, m.rating, m.coupon, m.maturity, f.unit_price, f.face, f.unit_price * 100 / f.face,
    m.market_value, m.yield, m.coupons_per_year, m.coupons_left, m.days_to_coupon, m.days_in_period, m.days_to_maturity,
    case
        when m.coupons_left = 1 then 'simple'
        when m.coupon = 0 then 'zero_coupon'
        when m.coupons_per_year = 2 then 'half_yearly'
        else 'yearly'
    end,
    case
        when f.unit_price is null then 'no_quantity'
        when m.coupon is null then 'no_coupon'
        when m.maturity is null then 'no_maturity'
        when m.is_floating = 1 then 'floating'
        when m.coupons_per_year is null then 'no_frequency'
        when m.coupons_left is null then 'matured'
        when f.face is null then 'no_face'
    end
from extract_posmodrf m
join faced f on f.line = m.line;
