-- PNL of the shares held on the previous report date and still held on this one:
-- previous quantity x (close - previous close) / 100,000, in lakh. What was bought, sold or paid out between the two
-- dates is not in it, and neither is a bonus issue or a split: prices are the exchange's own, not adjusted. Those show
-- as a price that moved by more than a third, which `large_move` marks for people to look at.
delete from pnl_worktable;

insert into pnl_worktable (isin, symbol, previous_quantity, quantity, previous_close, close, pnl, large_move)
with held as (
    select
        i.isin,
        sum(case when i.report_date = d.previous_report_date then i.quantity end) as previous_quantity,
        sum(case when i.report_date = d.report_date then i.quantity end) as quantity
    from extract_ipa i
    cross join extract_dates d
    where i.isin is not null
    group by i.isin
)
select
    h.isin, p.symbol, h.previous_quantity, h.quantity, p.previous_close, p.close,
    h.previous_quantity * (p.close - p.previous_close) / 100000,
    case when p.close * 3 < p.previous_close * 2 or p.close * 3 > p.previous_close * 4 then 1 else 0 end
from held h
join extract_capm p on p.role = 'share' and p.isin = h.isin
where h.previous_quantity is not null
  and h.quantity is not null
  and p.previous_close is not null;
