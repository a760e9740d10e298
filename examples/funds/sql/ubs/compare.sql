-- The custodian's quantities against the statement's, per security. Quantities within a thousandth of a unit are equal.
-- Without a custodian's file for the date there is nothing to compare, and the table stays empty; so it does where the
-- custodian's file is all there is, and stands in for the statement.
delete from ubs_worktable;
delete from ubs_final;

insert into ubs_worktable (isin, instrument, quantity_ipa, quantity_ubs, status)
with both_sides as (
    select w.isin, w.instrument, w.quantity as quantity_ipa, null as quantity_ubs
    from staging_ipa_worktable w
    where w.isin is not null and w.quantity is not null
    union all
    select u.isin, u.instrument, null, u.quantity
    from extract_ubs u
    where u.isin is not null and u.quantity is not null
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
where exists (select 1 from extract_ubs)
  and exists (select 1 from extract_sona_totals t where t.report_date = :report_date and t.source = 'statement');

-- And the file by itself: the sum of its lines beside the total it gives.
insert into ubs_final (report_date, lines, custodian_value, published_total, compared, breaks)
select
    d.report_date,
    (select count(*) from extract_ubs),
    (select coalesce(sum(u.market_value), 0) from extract_ubs u),
    t.published_total,
    (select count(*) from ubs_worktable),
    (select count(*) from ubs_worktable w where w.status <> 'equal')
from extract_dates d
left join extract_ubs_totals t on t.report_date = d.report_date
where exists (select 1 from extract_ubs);
