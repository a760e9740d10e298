-- Betas over the window: for each share, the covariance of its daily returns with the market's over the variance of the
-- market's, on the days on which both have a return. Sums are taken of differences from the mean, so that nothing is lost
-- to cancellation. Fewer than 20 days in common make no beta. The market proxy's own beta is 1, by the same computation.
delete from capm_betas;

insert into capm_betas (symbol, days, first_day, last_day, beta, alpha, r_squared)
with pairs as materialized (
    select r.symbol, r.price_date, r.daily_return as share, m.daily_return as market
    from extract_returns r
    join extract_capm p on p.role = 'market'
    join extract_returns m on m.symbol = p.symbol and m.price_date = r.price_date
),
means as (
    select
        p.symbol, count(*) as days, min(p.price_date) as first_day, max(p.price_date) as last_day,
        avg(p.share) as share, avg(p.market) as market
    from pairs p
    group by p.symbol
    having count(*) >= 20
),
sums as (
    select
        p.symbol,
        sum((p.share - n.share) * (p.market - n.market)) as together,
        sum((p.market - n.market) * (p.market - n.market)) as of_market,
        sum((p.share - n.share) * (p.share - n.share)) as of_share
    from pairs p
    join means n on n.symbol = p.symbol
    group by p.symbol
)
select
    n.symbol, n.days, n.first_day, n.last_day,
    s.together / s.of_market,
    n.share - s.together / s.of_market * n.market,
    s.together * s.together / s.of_market / nullif(s.of_share, 0)
from means n
join sums s on s.symbol = n.symbol
where s.of_market > 0;
