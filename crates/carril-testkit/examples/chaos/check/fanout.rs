//! What must be true of the fan-out: of effects in tables without a unique key, of money, of what is published.

use super::{Rule, rule};

/// At every instant.
pub(crate) const ALWAYS: &[Rule] = &[
    rule(
        "I2 nothing doubled",
        "select execution_id, run, step, count(*) as effects from warehouse.effect group by 1, 2, 3 having count(*) > 1",
    ),
    rule(
        "I2 nothing doubled in a stage of the process",
        "select execution_id, run, count(*) as effects from warehouse.process_effect group by 1, 2 having count(*) > 1",
    ),
    rule("I7 money stays", "select sum(balance) as balance from warehouse.account having sum(balance) <> 0"),
    rule(
        "effects belong to somebody",
        "select e.execution_id, e.step from warehouse.effect e where not exists (
           select 1 from x where x.id = e.execution_id and x.process = e.process_id and x.entity = e.entity and x.run >= e.run)",
    ),
    rule(
        "lanes of one key never overlap",
        "select l.pair, count(*) as running from x join warehouse.entity_list l on l.name = x.entity
         where x.state = 'running' group by l.pair having count(*) > 1",
    ),
];

/// When everything has settled.
pub(crate) const SETTLED: &[Rule] = &[
    rule(
        "I9 a success has its effect",
        "select s.execution, s.run, s.path from s
         where s.state = 'succeeded' and not s.fallback and s.carried_from is null
           and s.path in ('act/shared', 'act/extra', 'act/soft', 'act/valued', 'act/replaced', 'act/replacement', 'act/hard')
           and not exists (select 1 from warehouse.effect e where e.execution_id = s.execution and e.run = s.run and e.step = s.path)",
    ),
    rule(
        "I9 an effect has its success",
        "select e.execution_id, e.run, e.step from warehouse.effect e
         where not exists (select 1 from s where s.execution = e.execution_id and s.run = e.run and s.path = e.step
           and s.state = 'succeeded' and not s.fallback and s.carried_from is null)",
    ),
    rule(
        "I6 the fence tells the same as the journal",
        "select f.execution_id, f.run, f.step, d.stage || '/' || d.name as path from warehouse.carril_fence f
         left join main.execution e on e.id = f.execution_id left join main.process q on q.id = e.process_id
         left join main.definition_step d on d.definition_id = q.definition_id and d.step = f.step
         where f.done_fence is not null and not exists (
           select 1 from s where s.execution = f.execution_id and s.path = d.stage || '/' || d.name and s.run = f.run and s.state = 'succeeded' and not s.fallback)",
    ),
    rule(
        "I7 money has moved as often as it should",
        "select a.name, a.balance, m.moves from warehouse.account a
         join (
           select l.name, l.amount, (
             select count(*) from s where s.entity = l.name and s.path = 'act/move' and s.state = 'succeeded' and s.carried_from is null
           ) as moves from warehouse.entity_list l
         ) m on m.name = a.name
         where a.balance <> -m.amount * m.moves",
    ),
    rule(
        "a lane ends as its steps say",
        "select x.id, x.entity, x.state, x.failed_step, x.warnings from x
         where not x.is_own and x.state <> 'rolled_back' and (
           (x.state = 'failed') <> exists (select 1 from warehouse.broken b where b.name = x.entity and b.step = 'act/hard')
           or (x.state = 'failed' and x.failed_step <> 'act/hard')
           or x.state not in ('failed', 'succeeded')
           or x.warnings <> (select count(*) from warehouse.broken b where b.name = x.entity and b.step = 'act/soft'))",
    ),
    rule(
        "skipped means not wanted",
        "select s.execution, s.entity, s.state from s join warehouse.entity_list l on l.name = s.entity
         where s.path = 'act/extra' and (s.state = 'skipped') <> (l.extra = 0)",
    ),
    rule(
        "a success has published each row once",
        "select x.id, x.entity, x.state,
           (select count(*) from warehouse.lane_effect_history h where h.execution_id = x.id) as effects,
           (select count(*) from warehouse.lane_total_history h where h.execution_id = x.id) as totals
         from x where not x.is_own and (
           (select count(*) from warehouse.lane_effect_history h where h.execution_id = x.id) <> 22 * (x.state = 'succeeded')
           or (select count(*) from warehouse.lane_total_history h where h.execution_id = x.id and rows = 22 and steps = 3) <> (x.state = 'succeeded')
           or (select count(*) from warehouse.lane_total_history h where h.execution_id = x.id) <> (x.state = 'succeeded'))",
    ),
    rule(
        "I2 nothing doubled in a lane",
        "select execution_id, step, note, count(*) as rows from warehouse.lane_effect_history group by 1, 2, 3 having count(*) > 1",
    ),
    rule(
        "I5 a lane sees only its own rows",
        "select h.execution_id, h.entity from warehouse.lane_effect_history h join x on x.id = h.execution_id
         where h.entity <> x.entity or h.writer <> h.execution_id or (h.step = 'act/heard' and h.note not like h.execution_id || '.%')",
    ),
    rule(
        "what is current is the newest success",
        "select l.name, c.execution_id, n.id as newest
         from warehouse.entity_list l
         left join warehouse.lane_total_current c on c.entity = l.name
         left join (select entity, max(id) as id from x where state = 'succeeded' and not is_own group by entity) n on n.entity = l.name
         where c.execution_id is not n.id",
    ),
    rule(
        "one current row per entity",
        "select entity, count(*) as rows from warehouse.lane_total_current group by entity having count(*) > 1",
    ),
    rule(
        "the process's own stage ran once, over all that was published",
        "select x.id, x.run, x.state, f.lanes, f.rows from x
         left join warehouse.process_effect f on f.execution_id = x.id and f.run = x.run
         where x.is_own and x.state <> 'rolled_back' and (x.state <> 'succeeded' or f.rows is not 22 * f.lanes)",
    ),
    rule(
        "the newest process's own stage has seen what is published now",
        "select x.id, x.run, f.seen, (select sum(execution_id) from warehouse.lane_total_current) as published from x
         join warehouse.process_effect f on f.execution_id = x.id and f.run = x.run
         where x.is_own and x.state = 'succeeded' and x.process = (select max(id) from p)
           and f.seen <> (select coalesce(sum(execution_id), 0) from warehouse.lane_total_current)",
    ),
    rule(
        "lanes of one key run in order",
        "select a.id, b.id as later, l.pair from x a
         join warehouse.entity_list l on l.name = a.entity
         join warehouse.entity_list m on m.pair = l.pair and m.name <> l.name
         join x b on b.entity = m.name and b.id > a.id and b.process = a.process
         where a.run = 1 and b.run = 1 and b.started_at < a.ended_at",
    ),
];
