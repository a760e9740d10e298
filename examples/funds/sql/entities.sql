-- The funds of a report date: active, meant for the cube, and with a statement of that date.
-- Every column but the key becomes an attribute of the lane. Relies on the primary key of homol_sona_totals.
select
    f.id_fund,
    f.fund_code,
    f.fund_short_name,
    f.portfolio_geneva,
    f.portfolio_capm,
    f.portfolio_derivados,
    f.portfolio_ubs,
    f.flag_ubs,
    f.flag_derivados
from bd_funds f
where f.active = 1
  and f.incluir_en_cubo = 1
  and exists (
      select 1
      from homol_sona_totals t
      where t.report_date = :report_date
        and t.portfolio = f.portfolio_geneva
  )
order by f.id_fund;
