-- The fund's derivatives. Relies on the primary key of homol_derivados.
delete from extract_derivados;

insert into extract_derivados (
    line, kind, class, instrument, underlying, expiry, counterparty, industry, quantity, market_value, in_total
)
select
    v.line, v.kind, v.class, v.instrument, v.underlying, v.expiry, v.counterparty, v.industry, v.quantity, v.market_value,
    v.in_total
from homol_derivados v
where v.report_date = :report_date
  and v.portfolio = :portfolio_derivados;
