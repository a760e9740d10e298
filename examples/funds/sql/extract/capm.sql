-- The fund's dates, the closing prices of its shares and of its market proxy on both of them, and their daily returns over
-- the 180 days up to the price date, for the betas.
-- A month-end that is no trading day takes the last earlier day with prices, as long as bd_feed_days calls it recent.
-- Only the EQ series counts: it is what the statements value shares by.
-- A day's return is close over the exchange's own previous close, so that months without prices leave no false jump; a
-- price that moved by more than a third in a day is a bonus issue or a split, and no return.
-- Relies on the primary keys of bd_feed_days, homol_capm, homol_fx and homol_derivados, on bd_instruments_by_symbol and on
-- homol_capm_by_symbol.
delete from extract_returns;
delete from extract_capm;
delete from extract_dates;

insert into extract_dates (
    report_date, price_date, previous_report_date, previous_price_date, rate_date, per_euro, window_start
)
with dates as (
    select t.report_date, t.currency, (
        select max(p.report_date)
        from homol_sona_totals p
        where p.portfolio = t.portfolio
          and p.report_date < t.report_date
    ) as previous_report_date
    from homol_sona_totals t
    where t.report_date = :report_date
      and t.portfolio = :portfolio_geneva
),
days as (
    select
        d.report_date,
        d.currency,
        d.previous_report_date,
        (
            select max(f.data_date) from bd_feed_days f
            where f.feed = 'capm' and f.data_date <= d.report_date and f.usable_until >= d.report_date
        ) as price_date,
        (
            select max(f.data_date) from bd_feed_days f
            where f.feed = 'capm' and f.data_date <= d.previous_report_date and f.usable_until >= d.previous_report_date
        ) as previous_price_date,
        (
            select max(f.data_date) from bd_feed_days f
            where f.feed = 'fx' and f.data_date <= d.report_date and f.usable_until >= d.report_date
        ) as rate_date
    from dates d
)
select
    d.report_date, d.price_date, d.previous_report_date, d.previous_price_date, d.rate_date, r.per_euro, f.window_start
from days d
left join homol_fx r on r.rate_date = d.rate_date and r.currency = d.currency
left join bd_feed_days f on f.feed = 'capm' and f.data_date = d.price_date;

insert into extract_capm (role, symbol, isin, industry, close, previous_close)
select distinct 'share', n.symbol, n.isin, n.industry, c.close, p.close
from homol_ipa i
join bd_instruments n on n.isin = i.isin
join homol_capm c
  on c.price_date = (select d.price_date from extract_dates d) and c.symbol = n.symbol and c.series = 'EQ'
left join homol_capm p
  on p.price_date = (select d.previous_price_date from extract_dates d) and p.symbol = n.symbol and p.series = 'EQ'
where i.report_date = :report_date
  and i.portfolio = :portfolio_geneva;

insert into extract_capm (role, symbol, isin, close, previous_close)
select 'market', c.symbol, '', c.close, p.close
from homol_capm c
left join homol_capm p
  on p.price_date = (select d.previous_price_date from extract_dates d) and p.symbol = c.symbol and p.series = 'EQ'
where c.price_date = (select d.price_date from extract_dates d)
  and c.symbol = :portfolio_capm
  and c.series = 'EQ';

-- What the fund's futures are on, by the symbol in their names.
insert into extract_capm (role, symbol, isin, close, previous_close)
select distinct 'underlying', c.symbol, '', c.close, p.close
from homol_derivados v
join homol_capm c
  on c.price_date = (select d.price_date from extract_dates d) and c.symbol = v.underlying and c.series = 'EQ'
left join homol_capm p
  on p.price_date = (select d.previous_price_date from extract_dates d) and p.symbol = v.underlying and p.series = 'EQ'
where v.report_date = :report_date
  and v.portfolio = :portfolio_derivados
  and v.class = 'future';

insert into extract_returns (symbol, price_date, daily_return)
select s.symbol, c.price_date, c.close / c.prev_close - 1
from (select distinct e.symbol from extract_capm e) s
cross join extract_dates d
join homol_capm c
  on c.symbol = s.symbol and c.series = 'EQ' and c.price_date > d.window_start and c.price_date <= d.price_date
where c.prev_close > 0
  and c.close * 3 >= c.prev_close * 2
  and c.close * 3 <= c.prev_close * 4;
