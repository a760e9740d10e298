-- One row: yield and duration of the fund's fixed income, weighted by value, over the lines that have them. The published
-- yield is weighted the same way over the same lines.
delete from posmodrf_final;

insert into posmodrf_final (
    report_date, debt_value, covered_value, modelled_yield, published_yield, modified_duration
)
with lines as (
    select w.market_value, w.yield, y.line as modelled, y.modelled_yield, y.modified_duration
    from posmodrf_worktable w
    left join posmodrf_yields y on y.line = w.line
),
sums as (
    select
        coalesce(sum(l.market_value), 0) as debt_value,
        coalesce(sum(case when l.modelled is not null then l.market_value end), 0) as covered_value,
        sum(l.market_value * l.modelled_yield) as weighted_yield,
        sum(l.market_value * l.modified_duration) as weighted_duration,
        sum(case when l.modelled is not null then l.market_value * l.yield end) as weighted_published,
        sum(case when l.modelled is not null and l.yield is not null then l.market_value end) as published_value
    from lines l
)
select
    d.report_date, s.debt_value, s.covered_value,
    s.weighted_yield / nullif(s.covered_value, 0),
    s.weighted_published / nullif(s.published_value, 0),
    s.weighted_duration / nullif(s.covered_value, 0)
from extract_dates d
cross join sums s;
