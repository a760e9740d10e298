-- One row: how many shares the exchange prices, how many of them agree, how far the market proxy has moved since the fund's
-- previous report date, and the fund's beta: the sum of its shares' betas, each by its weight in the fund. What has no beta
-- adds nothing to it; how much of the shares that is stands beside it. The futures' part is by exposure, on the betas of what
-- they are on; an index future's is 1, as the market is that index.
delete from capm_final;

insert into capm_final (
    report_date, price_date, priced_positions, price_matches, close_value, market_symbol, market_return, beta, share_value,
    covered_value, futures_beta
)
with fund as (
    select
        coalesce(sum(f.market_value), 0) as market_value,
        coalesce(sum(case when f.asset_class in ('equity', 'foreign') then f.market_value end), 0) as share_value
    from ipa_final f
),
-- A share that has changed its ISIN can stand in extract_capm twice, but a line has one of them.
covered as (
    select coalesce(sum(f.market_value), 0) as covered_value, sum(f.market_value * b.beta) as weighted
    from ipa_final f
    join extract_capm p on p.role = 'share' and p.isin = f.isin
    join capm_betas b on b.symbol = p.symbol
    where f.asset_class in ('equity', 'foreign')
),
futures as (
    select
        sum(v.market_value * case when lower(v.underlying) like 'nifty%' then 1 else b.beta end) as weighted
    from extract_derivados v
    left join capm_betas b on b.symbol = v.underlying
    where v.class = 'future'
)
select
    d.report_date,
    d.price_date,
    (select count(*) from capm_worktable),
    (select coalesce(sum(w.matches), 0) from capm_worktable w),
    (select coalesce(sum(w.close_value), 0) from capm_worktable w),
    m.symbol,
    m.close / nullif(m.previous_close, 0) - 1,
    c.weighted / nullif(h.market_value, 0),
    h.share_value,
    c.covered_value,
    coalesce(u.weighted, 0) / nullif(h.market_value, 0)
from extract_dates d
left join extract_capm m on m.role = 'market'
cross join fund h
cross join covered c
cross join futures u;
