//! What must be true of the funds example's warehouse: every fund's rows exactly once, in the history and in what is current.

use super::{Rule, rule};

/// When everything has settled.
pub(crate) const SETTLED: &[Rule] = &[
    rule("every fund succeeds", "select id, entity, state, failed_step from x where state not in ('succeeded', 'rolled_back')"),
    rule(
        "a success has published one row of its fund",
        "select x.id, x.entity, x.state, count(h.fund_code) as rows from x
         left join warehouse.fund_report_history h on h.execution_id = x.id
         where not x.is_own group by x.id having count(h.fund_code) <> (x.state = 'succeeded')",
    ),
    rule(
        "a success has published each of its positions",
        "select h.execution_id, h.fund_code, h.positions,
           (select count(*) from warehouse.fund_position_history o where o.execution_id = h.execution_id) as rows
         from warehouse.fund_report_history h
         where h.positions <> (select count(*) from warehouse.fund_position_history o where o.execution_id = h.execution_id)",
    ),
    rule(
        "one current row per fund and date",
        "select report_date, fund_code, count(*) as rows from warehouse.fund_report group by 1, 2 having count(*) <> 1",
    ),
    rule(
        "what is current is the newest success",
        "select c.fund_code, c.execution_id, max(h.execution_id) as newest
         from warehouse.fund_report c join warehouse.fund_report_history h on h.fund_code = c.fund_code and h.report_date = c.report_date
         group by c.fund_code, c.report_date having c.execution_id <> max(h.execution_id)",
    ),
    rule(
        "nothing is published by nobody",
        "select h.execution_id from warehouse.fund_report_history h where not exists (
           select 1 from x where x.id = h.execution_id and x.state = 'succeeded')
         union select h.execution_id from warehouse.fund_position_history h where not exists (
           select 1 from x where x.id = h.execution_id and x.state = 'succeeded')
         union select h.execution_id from warehouse.fund_cube_history h where not exists (
           select 1 from x where x.id = h.execution_id and x.state = 'succeeded' and x.is_own)",
    ),
    rule(
        "I6 the fence tells the same as the journal",
        "select f.execution_id, f.run, f.step, d.stage || '/' || d.name as path from warehouse.carril_fence f
         left join main.execution e on e.id = f.execution_id left join main.process q on q.id = e.process_id
         left join main.definition_step d on d.definition_id = q.definition_id and d.step = f.step
         where f.done_fence is not null and not exists (
           select 1 from s where s.execution = f.execution_id and s.path = d.stage || '/' || d.name and s.run = f.run and s.state = 'succeeded')",
    ),
];
