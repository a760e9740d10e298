//! What must be true of any pipeline's processes, executions and attempts.

use super::{Rule, rule};

/// At every instant.
pub(crate) const ALWAYS: &[Rule] = &[
    rule(
        "I10 tallies are a recount",
        "select p.id, p.total, p.succeeded, p.failed, p.skipped, p.cancelled, p.rolled_back, count(x.id) as counted,
           sum(x.state = 'succeeded') as counted_succeeded, sum(x.state = 'failed') as counted_failed
         from p left join x on x.process = p.id and not x.is_own
         group by p.id
         having p.total <> count(x.id) or p.succeeded <> sum(x.state = 'succeeded') or p.failed <> sum(x.state = 'failed')
           or p.skipped <> sum(x.state = 'skipped') or p.cancelled <> sum(x.state = 'cancelled')
           or p.rolled_back <> sum(x.state = 'rolled_back')",
    ),
    rule(
        "P1 a launch once per entity",
        "select process, entity, count(*) as executions from x where not is_own group by process, entity having count(*) > 1",
    ),
    rule(
        "P3 settled once per run",
        "select execution, run, path, count(*) as successes from s where state = 'succeeded' group by execution, run, path having count(*) > 1",
    ),
    rule(
        "nothing after success",
        "select a.execution, a.run, a.path, b.attempt from s a join s b
         on b.execution = a.execution and b.run = a.run and b.path = a.path and b.attempt > a.attempt
         where a.state = 'succeeded'",
    ),
    rule(
        "a settled process has nothing open",
        "select p.id, p.state, x.id as execution, x.state as execution_state from p join x on x.process = p.id where p.settled and not x.settled",
    ),
];

/// When everything has settled.
pub(crate) const SETTLED: &[Rule] = &[
    rule("I14 every execution settles", "select x.id, x.process, x.entity, x.state, x.run from x
         join main.execution e on e.id = x.id where not x.settled or e.rolling_back"),
    rule("I14 every process settles", "select id, state from p where not settled"),
    rule("I1 no launch is half", "select id from main.process where state = 0"),
    rule(
        "a process's state is its tally",
        "select id, state, total, succeeded, failed, cancelled, rolled_back from p
         where state <> case
             when rolled_back = total then 'rolled_back'
             when failed > 0 or cancelled > 0 then 'completed_with_errors'
             else 'succeeded' end",
    ),
    rule(
        "I11 each START has one end",
        "select execution, run, path, attempt, state, began, ended from s where state in ('pending', 'running') or ended is null or ended < began",
    ),
    rule(
        "I11 the trace has one end for each start",
        "select execution_id, run, stage, step, attempt, sum(event = 'START') as starts, sum(event <> 'START') as ends
         from main.trace where event in ('START', 'END', 'ERROR', 'TIMEOUT', 'CANCEL', 'INTERRUPT')
         group by 1, 2, 3, 4, 5 having sum(event = 'START') <> 1 or sum(event <> 'START') <> 1",
    ),
    rule(
        "I11 attempts are counted through",
        "select execution, run, path, min(attempt) as first, max(attempt) as last, count(*) as attempts from s
         where attempt > 0 and carried_from is null group by execution, run, path
         having min(attempt) <> 1 or max(attempt) <> count(*)",
    ),
    rule(
        "I8 attempts follow each other",
        "select a.execution, a.run, a.path, a.attempt, a.ended, b.began from s a join s b
         on b.execution = a.execution and b.run = a.run and b.path = a.path and b.attempt = a.attempt + 1
         where b.began < a.ended and a.carried_from is null",
    ),
    // Steps that only stand in for others need no outcome; in the pipelines here they are called `replacement`.
    rule(
        "I3 done means done",
        "with outcomes as (
           select x.id, x.process, x.is_own, x.entity, (
             select count(distinct s.path) from s
             where s.execution = x.id and s.run = x.run and s.state in ('succeeded', 'failed', 'skipped')
               and s.path not like '%/replacement'
           ) as steps
           from x where x.state = 'succeeded'
         )
         select o.id, o.entity, o.steps from outcomes o
         where o.steps < (select max(m.steps) from outcomes m where m.process = o.process and m.is_own = o.is_own)",
    ),
    rule(
        "P10 the time account adds up",
        "select id, entity, ended_at - launched_at as lifetime, (select sum(value) from json_each(x.account)) as charged
         from x where run = 1 and state <> 'rolled_back'
           and ended_at - launched_at <> coalesce((select sum(value) from json_each(x.account)), 0)",
    ),
    rule(
        "P10 a run is charged for no less than its own time",
        "select id, run, ended_at - started_at as lane, (select sum(value) from json_each(x.account)) as charged
         from x where state not in ('rolled_back', 'cancelled') and started_at is not null
           and ended_at - started_at > coalesce((select sum(value) from json_each(x.account)), 0)",
    ),
    rule("I12 no engine is left", "select id, pid, command from main.node where left_at is null"),
    rule("I12 no wish is left", "select id, wish from main.request where answer is null"),
];
