-- The fund's row of the report. Its market value is summed from its lines; the published total stands beside it and is
-- never used to compute anything. Sums are rounded to a thousandth of a lakh (100 rupees), so that they do not show the
-- noise of binary fractions. PNL is null where there is no earlier statement or no price on one of the two dates, and the
-- change of value where there is no earlier statement.
delete from report_rows;

insert into report_rows (
    report_date, fund_code, fund_name, id_fund, positions, securities, market_value, published_total, difference, currency,
    source, equity_value, debt_value, cash, derivatives_value, pnl, previous_report_date, pnl_large_moves,
    priced_positions, price_matches, market_return, beta, beta_coverage, beta_with_futures, yield, published_yield, duration,
    duration_coverage, value_change, price_effect, trade_effect, cash_effect, price_return, ubs_breaks, custodian_value,
    custodian_total, market_value_million_eur
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
    t.currency,
    t.source,
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
    c.beta,
    c.covered_value / nullif(c.share_value, 0),
    c.beta + c.futures_beta,
    m.modelled_yield,
    m.published_yield,
    m.modified_duration,
    m.covered_value / nullif(m.debt_value, 0),
    round(n.value_change * 1000) / 1000,
    round(n.price_effect * 1000) / 1000,
    round(n.trade_effect * 1000) / 1000,
    round(n.cash_effect * 1000) / 1000,
    n.price_effect / nullif(n.previous_value, 0),
    case when u.compared > 0 then u.breaks end,
    round(u.custodian_value * 1000) / 1000,
    u.published_total,
    round(h.market_value / d.per_euro * 100) / 1000
from extract_dates d
join extract_sona_totals t on t.report_date = d.report_date
join capm_final c on c.report_date = d.report_date
join posmodrf_final m on m.report_date = d.report_date
join pnl_final n on n.report_date = d.report_date
left join ubs_final u on u.report_date = d.report_date
cross join held h
cross join derivatives v
cross join profit p;
