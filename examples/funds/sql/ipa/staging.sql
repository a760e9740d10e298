-- Gives each security its asset class, from the headings it stands under (statements sometimes leave the section's out
-- and have only the part's), and reads the shared "Industry / Rating" column as what it is for that class.
delete from staging_ipa_worktable;

insert into staging_ipa_worktable (line, instrument, isin, asset_class, industry, rating, quantity, market_value)
with classed as (
    select
        i.line,
        i.instrument,
        i.isin,
        i.industry_rating,
        i.quantity,
        i.market_value,
        case
            when lower(i.section) like 'equity%' then 'equity'
            when lower(i.section) like 'foreign%' then 'foreign'
            when lower(i.section) like 'debt%' then 'debt'
            when lower(i.section) like 'money market%' then 'money_market'
            when lower(i.sub_section) like '%government securities%' then 'debt'
            when lower(i.sub_section) like '%securitised debt%' then 'debt'
            when lower(i.sub_section) like '%exchange traded fund%' then 'fund_units'
            when lower(i.sub_section) like '%fund units%' then 'fund_units'
            when lower(i.sub_section) like 'units of an alternative%' then 'fund_units'
            when lower(i.sub_section) like 'units of %' then 'trust_units'
            when lower(i.sub_section) in ('invit', 'reit') then 'trust_units'
            when lower(i.section) in ('gold', 'silver') or lower(i.sub_section) in ('gold', 'silver') then 'commodity'
            else 'other'
        end as asset_class
    from extract_ipa i
    where i.report_date = :report_date
)
select
    c.line,
    c.instrument,
    c.isin,
    c.asset_class,
    case when c.asset_class not in ('debt', 'money_market') then c.industry_rating end,
    case when c.asset_class in ('debt', 'money_market') then c.industry_rating end,
    c.quantity,
    c.market_value
from classed c;
