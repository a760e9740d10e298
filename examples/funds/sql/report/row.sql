-- The fund's row of the report. Its market value is summed from its lines; the published total stands beside it and is
-- never used to compute anything. Sums are rounded to a thousandth of a lakh (100 rupees), so that they do not show the
-- noise of binary fractions. PNL is null where there is no earlier statement or no price on one of the two dates.
delete from report_rows;

insert into report_rows (
    report_date, fund_code, fund_name, id_fund, positions, securities, market_value, published_total, difference,
    equity_value, debt_value, cash, derivatives_value, pnl, previous_report_date, pnl_large_moves,
    priced_positions, price_matches, market_return, ubs_breaks, market_value_million_eur
)
with held as (
    select
        count(*) as positions,
        coalesce(sum(case when f.isin is not null then 1 else 0 end), 0) as securities,
        coalesce(sum(f.market_value), 0) as market_value,
        coalesce(sum(case when f.asset_class in ('equity', 'foreign') then f.market_value end), 0) as equity_value,
        coalesce(sum(case when f.asset_class in ('debt', 'money_market') then f.market_value end), 0) as debt_value,
        coalesce(sum(case when f.asset_class = 'cash' then f.market_value end), 0) as cash
    from ipa_final f
),
derivatives as (
    select coalesce(sum(v.market_value), 0) as market_value from derivados_worktable v
),
profit as (
    select coalesce(sum(p.pnl), 0) as pnl, coalesce(sum(p.large_move), 0) as large_moves from pnl_worktable p
),
custodian as (
    select count(*) as compared, coalesce(sum(case when u.status = 'equal' then 0 else 1 end), 0) as breaks
    from ubs_worktable u
)
select
    d.report_date,
    cast(:fund_code as text),
    t.fund_name,
    cast(:id_fund as bigint),
    h.positions,
    h.securities,
    round(h.market_value * 1000) / 1000,
    t.published_total,
    round((h.market_value - t.published_total) * 1000) / 1000,
    round(h.equity_value * 1000) / 1000,
    round(h.debt_value * 1000) / 1000,
    round(h.cash * 1000) / 1000,
    round(v.market_value * 1000) / 1000,
    case
        when d.previous_price_date is not null and d.price_date is not null then round(p.pnl * 1000) / 1000
    end,
    d.previous_report_date,
    p.large_moves,
    c.priced_positions,
    c.price_matches,
    c.market_return,
    case when u.compared > 0 then u.breaks end,
    round(h.market_value / d.rupees_per_euro * 100) / 1000
from extract_dates d
join extract_sona_totals t on t.report_date = d.report_date
join capm_final c on c.report_date = d.report_date
cross join held h
cross join derivatives v
cross join profit p
cross join custodian u;
