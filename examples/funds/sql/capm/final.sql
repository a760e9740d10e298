-- One row: how many shares the exchange prices, how many of them agree, and how far the market proxy has moved
-- since the fund's previous report date.
delete from capm_final;

insert into capm_final (report_date, price_date, priced_positions, price_matches, close_value, market_symbol, market_return)
select
    d.report_date,
    d.price_date,
    (select count(*) from capm_worktable),
    (select coalesce(sum(w.matches), 0) from capm_worktable w),
    (select coalesce(sum(w.close_value), 0) from capm_worktable w),
    m.symbol,
    m.close / nullif(m.previous_close, 0) - 1
from extract_dates d
left join extract_capm m on m.role = 'market';
