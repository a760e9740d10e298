-- The fund's cash lines, and the name and total that its statement publishes; those of its previous report date as well,
-- for the change of value. Relies on the primary keys of homol_sona and homol_sona_totals, and on
-- homol_sona_totals_by_portfolio.
delete from extract_sona;
delete from extract_sona_totals;

insert into extract_sona (report_date, line, kind, description, market_value)
select s.report_date, s.line, s.kind, s.description, s.market_value
from homol_sona s
where s.portfolio = :portfolio_geneva
  and (
      s.report_date = :report_date
      or s.report_date = (
          select max(t.report_date)
          from homol_sona_totals t
          where t.portfolio = :portfolio_geneva
            and t.report_date < :report_date
      )
  );

insert into extract_sona_totals (report_date, fund_name, published_total, currency, source)
select t.report_date, t.fund_name, t.published_total, t.currency, t.source
from homol_sona_totals t
where t.portfolio = :portfolio_geneva
  and (
      t.report_date = :report_date
      or t.report_date = (
          select max(p.report_date)
          from homol_sona_totals p
          where p.portfolio = :portfolio_geneva
            and p.report_date < :report_date
      )
  );
