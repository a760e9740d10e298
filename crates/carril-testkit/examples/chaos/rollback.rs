//! Rolling back under kills: one entity of a finished process, of a process that was killed while it ran, and a whole process;
//! then the retry that brings the same result back.
//!
//! What others left must be untouched to the last row, and of what is undone nothing may be left in any table that is Carril's
//! or published.

use super::Settings;
use super::check::Pipeline;
use super::fanout;
use super::funds::{self, dump};
use super::kill::{Kill, Moment};
use super::world::{Driver, Failure, World};

/// What is rolled back.
struct Undone<'a> {
    settings: &'a Settings,
    pipeline: Pipeline,
    process: i64,
    execution: i64,
    entity: String,
}

/// One world from its making to its end. The number says which pipeline, and whether the process has ended before.
///
/// # Errors
/// When the driver cannot do its work.
pub(crate) fn play(
    driver: &mut Driver,
    settings: &Settings,
    name: &str,
    number: u32,
) -> Result<(), Failure> {
    let pipeline = if number % 2 == 1 {
        Pipeline::Funds
    } else {
        Pipeline::Fanout
    };
    let mut world = match pipeline {
        Pipeline::Funds => funds::make(driver, settings, name)?,
        Pipeline::Fanout => fanout::make(driver, name, settings.entities)?,
    };
    let while_running = number.is_multiple_of(3);
    let undone = prepare(driver, settings, &mut world, pipeline, while_running)?;
    if !driver.violations.is_empty() {
        return Ok(());
    }
    let before = snapshot(&world, &undone)?;
    undo(driver, &mut world, &undone)?;
    if driver.violations.is_empty() {
        look_for_rest(driver, &world, &undone)?;
        if !while_running && snapshot(&world, &undone)?.others != before.others {
            driver.violation(
                &world,
                "P7 nobody else's rows",
                format!(
                    "rolling back execution {} changed rows of others",
                    undone.execution
                ),
            );
        }
        judge(driver, &world, pipeline)?;
    }
    if driver.violations.is_empty() {
        redo(driver, &mut world, &undone)?;
        judge(driver, &world, pipeline)?;
    }
    if !while_running
        && driver.violations.is_empty()
        && snapshot(&world, &undone)?.shown != before.shown
    {
        driver.violation(
            &world,
            "P7 a retry brings the result back",
            format!(
                "what execution {} shows differs from before",
                undone.execution
            ),
        );
    }
    if driver.violations.is_empty() && !driver.is_sated() {
        undo_whole(driver, &mut world, &undone)?;
    }
    Ok(())
}

/// Runs two processes, the second only half if the rollback is to meet it running, and chooses an entity of it.
fn prepare<'a>(
    driver: &mut Driver,
    settings: &'a Settings,
    world: &mut World,
    pipeline: Pipeline,
    half: bool,
) -> Result<Undone<'a>, Failure> {
    let mut undone = Undone {
        settings,
        pipeline,
        process: 0,
        execution: 0,
        entity: String::new(),
    };
    for (key, kill) in [
        ("first", Kill::Never),
        (
            "second",
            if half {
                Kill::At("target::publish::after_commit", 3)
            } else {
                Kill::Never
            },
        ),
    ] {
        let arguments = undone.run_arguments(world, key);
        driver.command(world, &arguments, &kill)?;
    }
    undone.process = world.number("select max(id) from process where state > 0")?;
    let connection = world.look()?;
    let ask = "select e.id, n.entity_key from execution e join entity n on n.execution_id = e.id
               where e.process_id = ?1 and e.state <> 4 order by (e.state = 3) desc, e.id limit 20";
    let mut statement = connection.prepare(ask)?;
    let candidates: Vec<(i64, String)> = statement
        .query_map([undone.process], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let at = driver
        .chooser
        .random()
        .below(candidates.len().max(1) as u64);
    (undone.execution, undone.entity) = candidates
        .get(usize::try_from(at)?)
        .cloned()
        .ok_or("the second process has no execution to roll back")?;
    Ok(undone)
}

impl Undone<'_> {
    fn run_arguments(&self, world: &World, key: &str) -> Vec<String> {
        match self.pipeline {
            Pipeline::Funds => funds::run_arguments(world, self.settings, key),
            Pipeline::Fanout => fanout::run_arguments(world, key),
        }
    }

    /// `carril VERB --process P --entity E`.
    fn one(&self, world: &World, verb: &str) -> Vec<String> {
        world.arguments(&[
            verb,
            "--process",
            &self.process.to_string(),
            "--entity",
            &self.entity,
            "--yes",
            "--json",
        ])
    }

    const fn published(&self) -> &'static [&'static str] {
        match self.pipeline {
            Pipeline::Funds => &["fund_report_history", "fund_position_history"],
            Pipeline::Fanout => &["lane_effect_history", "lane_total_history"],
        }
    }

    const fn shown(&self) -> &'static [&'static str] {
        match self.pipeline {
            Pipeline::Funds => &["fund_report", "fund_position", "fund_cube"],
            Pipeline::Fanout => &["lane_total_current"],
        }
    }
}

/// Rolls back until it is done and nothing is open.
fn undo(driver: &mut Driver, world: &mut World, undone: &Undone<'_>) -> Result<(), Failure> {
    driver.drive(world, &[0, 5], |world| {
        let state = world.number(&format!(
            "select state + 100 * rolling_back from execution where id = {}",
            undone.execution
        ))?;
        if state != 7 {
            return Ok(Some((Moment::Rollback, undone.one(world, "rollback"))));
        }
        Ok(is_open(world)?.then(|| (Moment::Run, undone.run_arguments(world, "second"))))
    })
}

/// Retries until it has succeeded and nothing is open.
fn redo(driver: &mut Driver, world: &mut World, undone: &Undone<'_>) -> Result<(), Failure> {
    driver.drive(world, &[0, 5], |world| {
        if is_open(world)? {
            return Ok(Some((Moment::Run, undone.run_arguments(world, "second"))));
        }
        let state = world.number(&format!(
            "select state from execution where id = {}",
            undone.execution
        ))?;
        Ok((state == 7).then(|| (Moment::Run, undone.one(world, "retry"))))
    })
}

/// Rolls the whole process back: what the one before it left is shown again.
fn undo_whole(driver: &mut Driver, world: &mut World, undone: &Undone<'_>) -> Result<(), Failure> {
    driver.drive(world, &[0], |world| {
        let state = world.number(&format!(
            "select state from process where id = {}",
            undone.process
        ))?;
        if state != 7 {
            let words = ["rollback", &undone.process.to_string(), "--yes", "--json"];
            return Ok(Some((Moment::Rollback, world.arguments(&words))));
        }
        Ok(is_open(world)?.then(|| (Moment::Run, undone.run_arguments(world, "second"))))
    })?;
    let connection = world.look()?;
    for table in undone.published() {
        let whose = "join execution e on e.id = h.execution_id where e.process_id";
        let ask = format!(
            "select count(*) from warehouse.{table} h {whose} = {}",
            undone.process
        );
        let left: i64 = connection.query_row(&ask, [], |row| row.get(0))?;
        if left > 0 {
            driver.violation(
                world,
                "P7 nothing is left",
                format!("{left} rows in {table} after the whole process was rolled back"),
            );
        }
    }
    judge(driver, world, undone.pipeline)
}

fn is_open(world: &World) -> Result<bool, Failure> {
    Ok(
        world.number("select count(*) from process where state in (1, 2)")? > 0
            || fanout::left_open(world)?,
    )
}

/// Rows that an execution still has in Carril's own tables and in what it published.
fn look_for_rest(driver: &mut Driver, world: &World, undone: &Undone<'_>) -> Result<(), Failure> {
    let connection = world.look()?;
    for table in undone
        .published()
        .iter()
        .chain(&["carril_fence", "carril_publication"])
    {
        let ask = format!("select count(*) from warehouse.{table} where execution_id = ?1");
        let left: i64 = connection.query_row(&ask, [undone.execution], |row| row.get(0))?;
        if left > 0 {
            driver.violation(
                world,
                "P7 nothing is left",
                format!(
                    "execution {} still has {left} rows in {table}",
                    undone.execution
                ),
            );
        }
    }
    Ok(())
}

/// What lanes other than the undone one have published, and what everybody sees.
struct Snapshot {
    others: String,
    shown: String,
}

fn snapshot(world: &World, undone: &Undone<'_>) -> Result<Snapshot, Failure> {
    let connection = world.look()?;
    let condition = format!("execution_id <> {}", undone.execution);
    let dumped = |tables: &[&str], condition: &str| -> Result<String, Failure> {
        tables
            .iter()
            .map(|table| dump(&connection, table, condition))
            .collect()
    };
    Ok(Snapshot {
        others: dumped(undone.published(), &condition)?,
        shown: dumped(undone.shown(), "true")?,
    })
}

fn judge(driver: &mut Driver, world: &World, pipeline: Pipeline) -> Result<(), Failure> {
    match pipeline {
        Pipeline::Funds => funds::judge(driver, world),
        Pipeline::Fanout => fanout::judge(driver, world),
    }
}
