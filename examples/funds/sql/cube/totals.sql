-- The cube of a report date: totals over all funds that are published for it, by dimension and currency. Reads the current rows
-- (fund_report and fund_position), so a fund that failed or was rolled back is not in it. Positions are taken from the
-- very execution whose row stands in the report.
delete from cube_rows;

insert into cube_rows (report_date, currency, dimension, member, funds, positions, market_value, share)
with lines as (
    select p.report_date, r.currency, p.fund_code, p.asset_class, p.industry, p.rating, p.market_value
    from fund_report r
    join fund_position p
      on p.report_date = r.report_date and p.fund_code = r.fund_code and p.execution_id = r.execution_id
    where r.report_date = :report_date
),
cells as (
    select l.report_date, l.currency, 'house' as dimension, 'all' as member, l.fund_code, l.market_value from lines l
    union all
    select l.report_date, l.currency, 'asset_class', l.asset_class, l.fund_code, l.market_value from lines l
    union all
    select l.report_date, l.currency, 'industry', coalesce(l.industry, 'none'), l.fund_code, l.market_value
    from lines l where l.asset_class in ('equity', 'foreign')
    union all
    select l.report_date, l.currency, 'rating', coalesce(l.rating, 'none'), l.fund_code, l.market_value
    from lines l where l.asset_class in ('debt', 'money_market')
),
total as (
    select l.currency, coalesce(sum(l.market_value), 0) as market_value from lines l group by l.currency
)
select
    c.report_date, c.currency, c.dimension, c.member,
    count(distinct c.fund_code),
    count(*),
    round(sum(c.market_value) * 1000) / 1000,
    sum(c.market_value) / nullif(max(t.market_value), 0)
from cells c
join total t on t.currency = c.currency
group by c.report_date, c.currency, c.dimension, c.member;
