-- Securities and cash in one list, each with its share of the fund, and derivatives where the document counts them among
-- the positions. The fund's value is the sum of this list.
delete from ipa_final;

insert into ipa_final (line, instrument, isin, asset_class, industry, rating, quantity, market_value, weight)
with lines as (
    select w.line, w.instrument, w.isin, w.asset_class, w.industry, w.rating, w.quantity, w.market_value
    from staging_ipa_worktable w
    union all
    select c.line, c.description, null, 'cash', null, null, null, c.market_value
    from ipa_cash c
    union all
    select v.line, v.instrument, null, 'derivative', v.industry, null, v.quantity, v.market_value
    from extract_derivados v
    where v.in_total = 1
),
total as (
    select sum(l.market_value) as market_value from lines l
)
select
    l.line, l.instrument, l.isin, l.asset_class, l.industry, l.rating, l.quantity, l.market_value,
    l.market_value / nullif(t.market_value, 0)
from lines l
cross join total t;
