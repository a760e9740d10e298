-- Yields and durations of fixed income, solved from the price. Dirty price, per 100 of face, at the value date (the day
-- after the report date):
--
--   clean + c (1 - f)  =  v^f (c + c v + ... + c v^(n-1) + 100 v^(n-1))
--
-- with c the coupon of a period, n coupons left, f the part of the period until the next one, and v what a period discounts
-- by. With one coupon left, interest is simple: (100 + c) / (1 + y days / 365). Otherwise v is Newton's root: the recursion
-- has one row for each coefficient of Horner's scheme (b is the sum so far, d its slope), then one for the step (k = -1, the
-- change of v in d), and begins again until v stands still. v^f is the binomial series of (1 + (v - 1))^f, because the two
-- databases have no power function in common; its 12 terms are exact to 1e-15 for a yield of 10 % and to 1e-9 at 40 %.
--
-- The yield is the effective one of a year; Macaulay's duration is the mean time of what is paid, weighted by its present
-- value; the modified one is that over 1 + yield (for simple interest, over 1 + yield x time).
delete from posmodrf_yields;

insert into posmodrf_yields (line, method, modelled_yield, macaulay_duration, modified_duration)
with recursive bonds as (
    select
        w.line, w.method, w.coupons_per_year, w.coupons_left, w.days_to_coupon,
        w.coupon / w.coupons_per_year as c,
        w.days_to_coupon * 1.0 / w.days_in_period as fraction,
        w.clean_price + w.coupon / w.coupons_per_year * (1 - w.days_to_coupon * 1.0 / w.days_in_period) as dirty
    from posmodrf_worktable w
    where w.excluded is null
),
steps (line, c, fraction, dirty, n, iteration, k, v, b, d, periods) as (
    select
        o.line, o.c, o.fraction, o.dirty, o.coupons_left, 1, o.coupons_left - 1,
        cast(1 - 0.07 / o.coupons_per_year as double precision), o.c + 100, cast(0 as double precision),
        cast(0 as double precision)
    from bonds o
    where o.coupons_left > 1
    union all
    select
        s.line, s.c, s.fraction, s.dirty, s.n,
        case when s.k >= 0 then s.iteration else s.iteration + 1 end,
        case when s.k >= 0 then s.k - 1 else s.n - 1 end,
        case
            when s.k >= 0 then s.v
            when s.v - s.d < 0.7 then 0.7
            when s.v - s.d > 1.1 then 1.1
            else s.v - s.d
        end,
        case when s.k > 0 then s.b * s.v + s.c when s.k = 0 then s.b else s.c + 100 end,
        case
            when s.k > 0 then s.d * s.v + s.b
            when s.k = 0 then (s.b - s.dirty / (
                1 + s.fraction * (s.v - 1) * (1 + (s.fraction - 1) * (s.v - 1) / 2 * (1 +
                (s.fraction - 2) * (s.v - 1) / 3 * (1 + (s.fraction - 3) * (s.v - 1) / 4 * (1 +
                (s.fraction - 4) * (s.v - 1) / 5 * (1 + (s.fraction - 5) * (s.v - 1) / 6 * (1 +
                (s.fraction - 6) * (s.v - 1) / 7 * (1 + (s.fraction - 7) * (s.v - 1) / 8 * (1 +
                (s.fraction - 8) * (s.v - 1) / 9 * (1 + (s.fraction - 9) * (s.v - 1) / 10 * (1 +
                (s.fraction - 10) * (s.v - 1) / 11 * (1 + (s.fraction - 11) * (s.v - 1) /
                12)))))))))))
            )) / (s.fraction * s.b / s.v + s.d)
            else 0
        end,
        case when s.k = 0 then s.fraction + s.v * s.d / s.b else 0 end
    from steps s
    where s.k >= 0
       or (abs(s.d) >= 0.000000000001 and s.iteration < 20)
),
roots as (
    select s.line, s.v, s.periods
    from steps s
    where s.k = -1
      and abs(s.d) < 0.000000000001
),
solved as (
    select
        o.line, o.method,
        case o.coupons_per_year when 2 then 1 / (r.v * r.v) - 1 else 1 / r.v - 1 end as yield,
        r.periods / o.coupons_per_year as years,
        case o.coupons_per_year when 2 then 1 / (r.v * r.v) else 1 / r.v end as growth
    from bonds o
    join roots r on r.line = o.line
    union all
    select
        o.line, o.method,
        ((100 + o.c) / o.dirty - 1) * 365 / o.days_to_coupon,
        o.days_to_coupon / 365.0,
        (100 + o.c) / o.dirty
    from bonds o
    where o.coupons_left = 1
)
select s.line, s.method, s.yield, s.years, s.years / s.growth
from solved s;
