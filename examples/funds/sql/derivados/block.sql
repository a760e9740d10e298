-- The derivatives by side. A future's value is its exposure, a swap's is what it would be settled for. For a future on a share
-- that the exchange prices, the same quantity at the share's close stands beside its value.
delete from derivados_worktable;

insert into derivados_worktable (
    line, kind, class, instrument, underlying, expiry, counterparty, industry, quantity, market_value, spot_value, side
)
select
    v.line,
    coalesce(v.kind, 'other'),
    v.class,
    v.instrument,
    v.underlying,
    v.expiry,
    v.counterparty,
    v.industry,
    v.quantity,
    v.market_value,
    case when v.class = 'future' then v.quantity * u.close / 100000 end,
    case when v.quantity < 0 then 'short' else 'long' end
from extract_derivados v
left join extract_capm u on u.role = 'underlying' and u.symbol = v.underlying;
