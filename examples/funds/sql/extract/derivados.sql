-- The fund's derivative block. Relies on the primary key of homol_derivados.
delete from extract_derivados;

insert into extract_derivados (line, kind, instrument, counterparty, industry, quantity, market_value)
select v.line, v.kind, v.instrument, v.counterparty, v.industry, v.quantity, v.market_value
from homol_derivados v
where v.report_date = :report_date
  and v.portfolio = :portfolio_derivados;
