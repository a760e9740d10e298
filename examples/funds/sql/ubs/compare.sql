-- The custodian's quantities against the statement's, per security. Quantities within a thousandth of a unit are equal.
-- Without a custodian's file for the date there is nothing to compare, and the table stays empty.
delete from ubs_worktable;

insert into ubs_worktable (isin, instrument, quantity_ipa, quantity_ubs, status)
with both_sides as (
    select w.isin, w.instrument, w.quantity as quantity_ipa, null as quantity_ubs
    from staging_ipa_worktable w
    where w.isin is not null and w.quantity is not null
    union all
    select u.isin, u.instrument, null, u.quantity
    from extract_ubs u
),
summed as (
    select
        b.isin,
        min(b.instrument) as instrument,
        sum(b.quantity_ipa) as quantity_ipa,
        sum(b.quantity_ubs) as quantity_ubs
    from both_sides b
    group by b.isin
)
select
    s.isin, s.instrument, s.quantity_ipa, s.quantity_ubs,
    case
        when s.quantity_ubs is null then 'only_ipa'
        when s.quantity_ipa is null then 'only_ubs'
        when abs(s.quantity_ipa - s.quantity_ubs) <= 0.001 then 'equal'
        else 'quantity'
    end
from summed s
where exists (select 1 from extract_ubs);
