-- The fund's cash lines, and the name and total that its statement publishes.
-- Relies on the primary keys of homol_sona and homol_sona_totals.
delete from extract_sona;
delete from extract_sona_totals;

insert into extract_sona (line, kind, description, market_value)
select s.line, s.kind, s.description, s.market_value
from homol_sona s
where s.report_date = :report_date
  and s.portfolio = :portfolio_geneva;

insert into extract_sona_totals (report_date, fund_name, published_total)
select t.report_date, t.fund_name, t.published_total
from homol_sona_totals t
where t.report_date = :report_date
  and t.portfolio = :portfolio_geneva;
