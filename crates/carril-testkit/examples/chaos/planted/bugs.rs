//! The bugs that are planted, as what they would leave behind, and the rule that must tell each.

use super::super::world::{Failure, World};
use serde_json::json;
use std::path::PathBuf;

/// One way to break a world.
pub(super) struct Planted {
    /// What it looks like when it happens.
    pub(super) name: &'static str,
    /// The rule that must tell it.
    pub(super) told_by: &'static str,
    /// What is done to the world.
    pub(super) how: How,
}

/// Where it is broken.
pub(super) enum How {
    /// In the store.
    Store(&'static str),
    /// In the warehouse.
    Warehouse(&'static str),
    /// In files, or in what programs said.
    Other(fn(&mut World) -> Result<(), Failure>),
}

const fn store(name: &'static str, told_by: &'static str, sql: &'static str) -> Planted {
    Planted {
        name,
        told_by,
        how: How::Store(sql),
    }
}

const fn warehouse(name: &'static str, told_by: &'static str, sql: &'static str) -> Planted {
    Planted {
        name,
        told_by,
        how: How::Warehouse(sql),
    }
}

const fn other(
    name: &'static str,
    told_by: &'static str,
    how: fn(&mut World) -> Result<(), Failure>,
) -> Planted {
    Planted {
        name,
        told_by,
        how: How::Other(how),
    }
}

pub(super) const PLANTED: &[Planted] = &[
    warehouse(
        "an effect is done twice",
        "I2 nothing doubled",
        "insert into effect select * from effect where step = 'act/shared' limit 1",
    ),
    warehouse(
        "an effect is lost",
        "I9 a success has its effect",
        "delete from effect where rowid = (select min(rowid) from effect)",
    ),
    warehouse(
        "an effect of a failed attempt stays",
        "I9 an effect has its success",
        "insert into effect select e.execution_id, process_id, run, entity, 'act/valued' from effect e
         where not exists (select 1 from effect f where f.execution_id = e.execution_id and f.step = 'act/valued') limit 1",
    ),
    warehouse(
        "an effect of nobody",
        "effects belong to somebody",
        "update effect set run = 99 where rowid = (select min(rowid) from effect)",
    ),
    warehouse(
        "the process's stage is done twice",
        "I2 nothing doubled in a stage of the process",
        "insert into process_effect select * from process_effect limit 1",
    ),
    warehouse(
        "the process's stage runs before all of its lanes have published",
        "the process's own stage ran once, over all that was published",
        "update process_effect set rows = rows - 1",
    ),
    warehouse(
        "the process's stage is not done again after a rollback",
        "the newest process's own stage has seen what is published now",
        "update process_effect set seen = seen + 1",
    ),
    warehouse("half a move", "I7 money stays", "update account set balance = balance + 1 where name = 'everybody'"),
    warehouse(
        "a whole move twice",
        "I7 money has moved as often as it should",
        "update account set balance = balance - 7 where name = 'entity-001';
         update account set balance = balance + 7 where name = 'everybody'",
    ),
    warehouse(
        "a published row is lost",
        "a success has published each row once",
        "delete from lane_effect_history where rowid = (select min(rowid) from lane_effect_history)",
    ),
    warehouse(
        "a lane's step is done twice",
        "I2 nothing doubled in a lane",
        "insert into lane_effect_history (execution_id, published_at, serial, entity, writer, run, step, note)
         select execution_id, published_at, serial + 1000, entity, writer, run, step, note from lane_effect_history limit 1",
    ),
    warehouse(
        "a lane gets another's rows",
        "I5 a lane sees only its own rows",
        "update lane_effect_history set note = '0.1.gather.told'
         where rowid = (select min(rowid) from lane_effect_history where step = 'act/heard')",
    ),
    warehouse(
        "a publication is forgotten",
        "what is current is the newest success",
        "delete from carril_publication where execution_id = (select max(execution_id) from lane_total_history)",
    ),
    warehouse(
        "two rows are current",
        "one current row per entity",
        "create table kept as select * from lane_total_current; drop view lane_total_current;
         alter table kept rename to lane_total_current; insert into lane_total_current select * from lane_total_current limit 1",
    ),
    warehouse(
        "the fence knows more than the journal",
        "I6 the fence tells the same as the journal",
        "insert into carril_fence (execution_id, run, step, part, fence, done_fence)
         select execution_id, run, 99, part, fence, fence from carril_fence limit 1",
    ),
    warehouse(
        "an index misses a row",
        "files are whole",
        "create index planted on effect (step); pragma writable_schema = on;
         update sqlite_schema set sql = 'create index planted on effect (entity)' where name = 'planted'; pragma writable_schema = off",
    ),
    store(
        "a tally drifts",
        "I10 tallies are a recount",
        "update process set succeeded = succeeded + 1, failed = failed - 1",
    ),
    store("a failed process is called a success", "a process's state is its tally", "update process set state = 3"),
    store(
        "an execution never settles",
        "I14 every execution settles",
        "update execution set state = 0 where id = (select max(id) from execution where per_process = 0)",
    ),
    store(
        "a process settles before its executions",
        "a settled process has nothing open",
        "update execution set state = 2 where id = (select min(id) from execution where per_process = 0)",
    ),
    store("a process never settles", "I14 every process settles", "update process set state = 1"),
    store(
        "an entity is launched twice",
        "P1 a launch once per entity",
        "drop index entity_by_key; update entity set entity_key = 'entity-000' where entity_key = 'entity-001'",
    ),
    store("half a launch stays", "I1 no launch is half", "update process set state = 0"),
    store(
        "a step succeeds twice",
        "P3 settled once per run",
        "insert into step (execution_id, run, step, attempt, state, began, micros)
         select execution_id, run, step, attempt + 1, 2, began + micros, 1 from step where state = 2 limit 1",
    ),
    store(
        "a step fails after it succeeded",
        "nothing after success",
        "insert into step (execution_id, run, step, attempt, state, began, micros)
         select execution_id, run, step, attempt + 1, 3, began + micros, 1 from step where state = 2 limit 1",
    ),
    store("a START has no end", "I11 each START has one end", "update step set state = 1, micros = null where state = 3"),
    store(
        "the trace misses an end",
        "I11 the trace has one end for each start",
        "update step set state = 1, micros = null where state = 2",
    ),
    store(
        "an attempt is forgotten",
        "I11 attempts are counted through",
        "delete from step where attempt = 1 and exists (
           select 1 from step t where t.execution_id = step.execution_id and t.run = step.run and t.step = step.step and t.attempt = 2)",
    ),
    store("attempts overlap", "I8 attempts follow each other", "update step set began = began - 60000000 where attempt = 2"),
    store(
        "a success has a step without an outcome",
        "I3 done means done",
        "delete from step where (execution_id, step) = (
           select t.execution_id, t.step from step t join execution e on e.id = t.execution_id and e.state = 3 and e.per_process = 0 limit 1)",
    ),
    store(
        "a wait is charged twice",
        "P10 the time account adds up",
        "update execution set sums = json_set(sums, '$.running', 1 + json_extract(sums, '$.running'))",
    ),
    store("time is not charged", "P10 a run is charged for no less than its own time", "update execution set sums = '{}'"),
    store("an engine is gone and nobody noticed", "I12 no engine is left", "update node set left_at = null"),
    store("a wish is forgotten", "I12 no wish is left", "insert into request (wish, posted_at) values ('{}', 0)"),
    store(
        "two lanes of one key run at once",
        "lanes of one key never overlap",
        "update execution set state = 1
         where id in (select execution_id from entity where entity_key in ('entity-000', 'entity-001'))",
    ),
    store(
        "a lane of a key goes before its turn",
        "lanes of one key run in order",
        "update execution set started_at = 0 where per_process = 0",
    ),
    store("a warning is lost", "a lane ends as its steps say", "update execution set warnings = 0"),
    store("a step that is not wanted runs", "skipped means not wanted", "update step set state = 2 where state = 4"),
    other("a workspace is left behind", "no workspace is left behind", |world| leave(world, "p1/e2-r1.db", 3)),
    other("half a workspace is left behind", "no workspace is left behind", |world| leave(world, ".template-1-0", 3)),
    other("the workspace of a failed lane is removed", "a failed lane's workspace is kept", |world| {
        Ok(std::fs::remove_dir_all(world.lanes())?)
    }),
    other("a command that succeeded was never started", "a command's success was a start", |world| {
        Ok(std::fs::write(world.path("calls.log"), "")?)
    }),
    other("a command is started for nobody", "a command's start is known", |world| call(world, "1.7.gather.told 1 1\n")),
    other("two commands write at once", "commands note one line each", |world| call(world, "1.1.gather.2.1.gather.told\n")),
    other("what was said is forgotten", "I13 what was said is so", |world| {
        world.promises.push(json!({ "event": "step", "execution": 2, "step": "gather/one", "attempt": 77, "state": "succeeded" }));
        Ok(())
    }),
];

/// Leaves a file in the folder of the first target's lanes. The second number is the state of an execution that has none.
fn leave(world: &mut World, name: &str, state: i64) -> Result<(), Failure> {
    let id = world.number(&format!(
        "select min(id) from execution where per_process = 0 and state = {state}"
    ))?;
    let file: PathBuf = world
        .lanes()
        .join("warehouse-planted")
        .join(name.replace("e2-", &format!("e{id}-")));
    std::fs::create_dir_all(file.parent().unwrap_or(&world.lanes()))?;
    Ok(std::fs::write(file, "left")?)
}

fn call(world: &mut World, line: &str) -> Result<(), Failure> {
    let mut text = std::fs::read_to_string(world.path("calls.log"))?;
    text.push_str(line);
    Ok(std::fs::write(world.path("calls.log"), text)?)
}
