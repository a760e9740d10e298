//! What must be true when all has settled, asked with SQL over store and target together: nothing lost, nothing doubled, one owner
//! at a time, nothing left behind.
//!
//! A rule is a query of which every row is a fault. Each has a planted bug beside it, which is put into a settled database inside of
//! a transaction that is rolled back: a rule that does not tell its bug is worth nothing.

/// A rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its faults.
    pub(crate) faults: &'static str,
    /// What makes a fault of a settled database.
    pub(crate) bug: &'static str,
}

/// What must hold when every process has settled.
pub(crate) const SETTLED: &[Rule] = &[
    Rule {
        name: "nothing is doubled",
        faults: "select 'doubled', execution, step, count(*) from effect group by 2, 3 having count(*) > 1",
        bug: "insert into effect select * from effect limit 1",
    },
    Rule {
        name: "done means done",
        faults: "select 'missing', e.id, s.step from carril.execution e join carril.entity n on n.execution_id = e.id \
                 cross join (values ('take'), ('give'), ('stumbles'), ('lasts'), ('last')) s (step) \
                 left join effect f on f.execution = e.id and f.step = s.step where f.execution is null",
        bug: "delete from effect where ctid = (select min(ctid) from effect)",
    },
    Rule {
        name: "every effect is somebody's",
        faults: "select 'nobody''s', f.execution, f.step from effect f left join carril.execution e on e.id = f.execution \
                 where e.id is null or e.state <> 3 or f.ended is null",
        bug: "insert into effect (execution, lane, step) values (0, 'x', 'take')",
    },
    Rule {
        name: "money adds up",
        faults: "select 'sum', sum(balance) from account having sum(balance) <> 0",
        bug: "update account set balance = balance + 1 where name = 'bank-0'",
    },
    Rule {
        name: "money moved as often as it should",
        faults: "select 'account', a.name, a.balance from account a join entity_list l using (name) \
                 where a.balance <> - l.amount * (select count(*) from carril.entity n where n.entity_key = a.name)",
        bug: "update account set balance = balance - 1 where name = (select min(name) from entity_list)",
    },
    Rule {
        name: "everything ends well",
        faults: "select 'execution', id, state, error from carril.execution where state <> 3 \
                 union all select 'process', id, state, reason from carril.process where state <> 3",
        bug: "update carril.execution set state = 1 where id = (select min(id) from carril.execution)",
    },
    Rule {
        name: "each publication is there once",
        faults: "select 'published', e.id, count(h.entity) from carril.execution e join carril.entity n on n.execution_id = e.id \
                 left join lane_effect_history h on h.execution_id = e.id and h.entity = n.entity_key group by e.id having count(h.entity) <> 3",
        bug: "delete from lane_effect_history where execution_id = (select min(execution_id) from lane_effect_history)",
    },
    Rule {
        name: "what is current is there once",
        faults: "select 'current', l.name, count(c.entity) from entity_list l left join lane_effect_current c on c.entity = l.name \
                 group by l.name having count(c.entity) <> 3",
        bug: "insert into entity_list values ('nobody', 'x', 'bank-0', 1, false); insert into account values ('nobody')",
    },
    Rule {
        name: "process stages run once",
        faults: "select 'process', p.id, count(x.process), min(x.rows) from carril.process p left join process_effect x on x.process = p.id \
                 group by p.id, p.total having count(x.process) <> 1 or min(x.rows) < p.total - 1",
        bug: "insert into process_effect select * from process_effect limit 1",
    },
    Rule {
        name: "tallies are a recount",
        faults: "select 'tally', p.process_id, p.total, p.succeeded from carril.processes p \
                 where p.succeeded <> (select count(*) from carril.execution e join carril.entity n on n.execution_id = e.id where e.process_id = p.process_id and e.state = 3) \
                 or p.failed + p.skipped + p.cancelled + p.waiting <> 0",
        bug: "update carril.tally set succeeded = succeeded + 1",
    },
    Rule {
        name: "every step succeeded once",
        faults: "select 'step', execution_id, step, count(*) from carril.step where state = 2 group by 2, 3 having count(*) <> 1",
        bug: "insert into carril.step (execution_id, began, micros, run, step, attempt, state) \
              select execution_id, began, micros, run, step, attempt + 1000, 2 from carril.step where state = 2 limit 1",
    },
    Rule {
        name: "every attempt has an end",
        faults: "select 'open', execution_id, step, attempt, state from carril.step where micros is null or state in (0, 1, 7)",
        bug: "update carril.step set micros = null where execution_id = (select max(execution_id) from carril.step)",
    },
    Rule {
        name: "attempts are counted through",
        faults: "select 'attempts', execution_id, step, count(*), max(attempt) from carril.step where attempt > 0 group by 2, 3 \
                 having count(*) <> max(attempt)",
        bug: "update carril.step set attempt = attempt + 7 where execution_id = (select max(execution_id) from carril.step)",
    },
    Rule {
        name: "a lane key has one owner at a time",
        faults: "select 'overlap', a.lane, a.execution, a.step, b.execution, b.step from effect a join effect b on b.lane = a.lane \
                 and (a.execution, a.step) < (b.execution, b.step) and a.began < b.ended and b.began < a.ended limit 5",
        bug: "update effect set began = '-infinity' where step = 'last'",
    },
    Rule {
        name: "steps follow each other",
        faults: "select 'order', a.execution, a.step, b.step from effect a join effect b using (execution) \
                 where array_position(array['take', 'give', 'stumbles', 'lasts', 'last'], a.step) < \
                 array_position(array['take', 'give', 'stumbles', 'lasts', 'last'], b.step) and a.ended > b.began limit 5",
        bug: "update effect set began = began - interval '1 day', ended = ended - interval '1 day' where step = 'last'",
    },
    Rule {
        name: "no wish is left",
        faults: "select 'request', id from carril.request where answer is null",
        bug: "insert into carril.request (wish, posted_at) values ('{}', 0)",
    },
    Rule {
        name: "no workspace is left",
        faults: "select 'schema', nspname from pg_namespace where nspname ~ '^carril_p[0-9]+_e'",
        bug: "create schema carril_p1_e1_r1",
    },
    Rule {
        name: "no statements of Carril's lock each other out",
        faults: "select 'deadlocks', deadlocks from pg_stat_database where datname = current_database() and deadlocks > 0",
        bug: "",
    },
];

/// What must hold when no engine is there any more.
pub(crate) const ALONE: &[Rule] = &[
    Rule {
        name: "no session is left",
        faults: "select 'session', pid, state, application_name from pg_stat_activity where usename = 'carril' and pid <> pg_backend_pid()",
        bug: "",
    },
    Rule {
        name: "no advisory lock is left",
        faults: "select 'lock', pid, classid, objid from pg_locks where locktype = 'advisory'",
        bug: "select pg_advisory_lock(7)",
    },
    Rule {
        name: "no transaction is left",
        faults: "select 'prepared', gid from pg_prepared_xacts",
        bug: "",
    },
    Rule {
        name: "no engine is left",
        faults: "select 'node', id from carril.node where left_at is null",
        bug: "update carril.node set left_at = null",
    },
];
