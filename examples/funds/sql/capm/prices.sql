-- Values each share again: quantity x close / 100,000, in lakh. It matches when it is within 0.006 lakh or a
-- ten-thousandth of what the statement says, which is the rounding of the statement.
delete from capm_worktable;

insert into capm_worktable (line, isin, symbol, quantity, close, market_value, close_value, matches)
with valued as (
    select w.line, w.isin, p.symbol, w.quantity, p.close, w.market_value, w.quantity * p.close / 100000 as close_value
    from staging_ipa_worktable w
    join extract_capm p on p.role = 'share' and p.isin = w.isin
    where w.quantity is not null
)
select
    v.line, v.isin, v.symbol, v.quantity, v.close, v.market_value, v.close_value,
    case
        when abs(v.close_value - v.market_value) <= 0.006 then 1
        when abs(v.close_value - v.market_value) <= 0.0001 * abs(v.market_value) then 1
        else 0
    end
from valued v;
