-- The derivative block by side. A future's value is its exposure, a swap's is what it would be settled for.
delete from derivados_worktable;

insert into derivados_worktable (line, kind, instrument, counterparty, industry, quantity, market_value, side)
select
    v.line,
    coalesce(v.kind, 'other'),
    v.instrument,
    v.counterparty,
    v.industry,
    v.quantity,
    v.market_value,
    case when v.quantity < 0 then 'short' else 'long' end
from extract_derivados v;
