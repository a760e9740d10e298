-- The fund's securities on the report date, and on its previous report date for the PNL.
-- Relies on the primary keys of homol_ipa and the index homol_sona_totals_by_portfolio.
delete from extract_ipa;

insert into extract_ipa (report_date, line, section, sub_section, instrument, isin, industry_rating, quantity, market_value)
select i.report_date, i.line, i.section, i.sub_section, i.instrument, i.isin, i.industry_rating, i.quantity, i.market_value
from homol_ipa i
where i.portfolio = :portfolio_geneva
  and (
      i.report_date = :report_date
      or i.report_date = (
          select max(t.report_date)
          from homol_sona_totals t
          where t.portfolio = :portfolio_geneva
            and t.report_date < :report_date
      )
  );
