-- What the custodian holds for the fund. Relies on the primary key of homol_ubs.
delete from extract_ubs;

insert into extract_ubs (line, isin, instrument, quantity, market_value)
select u.line, u.isin, u.instrument, u.quantity, u.market_value
from homol_ubs u
where u.report_date = :report_date
  and u.portfolio = :portfolio_ubs;
