-- What the custodian holds for the fund, and the total of its file.
-- Relies on the primary keys of homol_ubs and homol_ubs_totals.
delete from extract_ubs;
delete from extract_ubs_totals;

insert into extract_ubs (line, isin, instrument, quantity, market_value)
select u.line, u.isin, u.instrument, u.quantity, u.market_value
from homol_ubs u
where u.report_date = :report_date
  and u.portfolio = :portfolio_ubs;

insert into extract_ubs_totals (report_date, published_total)
select t.report_date, t.published_total
from homol_ubs_totals t
where t.report_date = :report_date
  and t.portfolio = :portfolio_ubs;
