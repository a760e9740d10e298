-- How the fund's value came from the previous statement to this one, line by line: what was held times the change of its
-- price (value over quantity, as the two statements have it), what was bought and sold since, and the change of cash. A
-- security is the same by its ISIN, or by its name where it has none. Without an earlier statement there is no change.
delete from pnl_changes;
delete from pnl_final;

insert into pnl_changes (
    instrument_key, status, previous_quantity, quantity, previous_value, value, price_effect, trade_effect, cash_effect
)
with sides as (
    select
        coalesce(i.isin, i.instrument) as instrument_key,
        sum(case when i.report_date = d.previous_report_date then i.quantity end) as previous_quantity,
        sum(case when i.report_date = d.report_date then i.quantity end) as quantity,
        coalesce(sum(case when i.report_date = d.previous_report_date then i.market_value end), 0) as previous_value,
        coalesce(sum(case when i.report_date = d.report_date then i.market_value end), 0) as value
    from extract_ipa i
    cross join extract_dates d
    where d.previous_report_date is not null
    group by coalesce(i.isin, i.instrument)
),
moved as (
    select
        s.instrument_key, s.previous_quantity, s.quantity, s.previous_value, s.value,
        case
            when s.previous_quantity <> 0 and s.quantity <> 0
                then s.previous_quantity * (s.value / s.quantity) - s.previous_value
            else 0
        end as price_effect
    from sides s
)
select
    m.instrument_key,
    case
        when coalesce(m.previous_quantity, m.previous_value) = 0 then 'bought'
        when coalesce(m.quantity, m.value) = 0 then 'sold'
        else 'held'
    end,
    m.previous_quantity, m.quantity, m.previous_value, m.value,
    m.price_effect,
    m.value - m.previous_value - m.price_effect,
    0
from moved m
union all
select
    'cash: ' || s.kind, 'cash', null, null,
    coalesce(sum(case when s.report_date = d.previous_report_date then s.market_value end), 0),
    coalesce(sum(case when s.report_date = d.report_date then s.market_value end), 0),
    0, 0,
    coalesce(sum(case when s.report_date = d.report_date then s.market_value else -s.market_value end), 0)
from extract_sona s
cross join extract_dates d
where d.previous_report_date is not null
group by s.kind;

insert into pnl_final (
    report_date, previous_report_date, previous_value, value_change, price_effect, trade_effect, cash_effect,
    published_change
)
select
    d.report_date, d.previous_report_date,
    sum(c.previous_value), sum(c.value) - sum(c.previous_value), sum(c.price_effect), sum(c.trade_effect),
    sum(c.cash_effect), max(t.published_total) - max(p.published_total)
from extract_dates d
join extract_sona_totals t on t.report_date = d.report_date
left join extract_sona_totals p on p.report_date = d.previous_report_date
left join pnl_changes c on 1 = 1
group by d.report_date, d.previous_report_date;
