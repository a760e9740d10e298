//! The fan-out: makes its warehouse, runs it to its end under kills, mends what was broken and retries, under kills, too.

use super::check::{self, Pipeline};
use super::kill::{Kill, Moment};
use super::world::{Driver, Failure, World};
use crate::random::Random;
use rusqlite::Connection;
use std::path::Path;

/// The pipeline's files, as they lie beside this one.
const FILES: &[(&str, &str)] = &[
    ("pipeline.toml", include_str!("fanout/pipeline.toml")),
    ("told.sh", include_str!("fanout/told.sh")),
    ("sql/entities.sql", include_str!("fanout/sql/entities.sql")),
    (
        "sql/gather_one.sql",
        include_str!("fanout/sql/gather_one.sql"),
    ),
    (
        "sql/gather_two.sql",
        include_str!("fanout/sql/gather_two.sql"),
    ),
    (
        "sql/act_heard.sql",
        include_str!("fanout/sql/act_heard.sql"),
    ),
    (
        "sql/act_shared.sql",
        include_str!("fanout/sql/act_shared.sql"),
    ),
    ("sql/act_move.sql", include_str!("fanout/sql/act_move.sql")),
    (
        "sql/act_extra.sql",
        include_str!("fanout/sql/act_extra.sql"),
    ),
    ("sql/act_soft.sql", include_str!("fanout/sql/act_soft.sql")),
    (
        "sql/act_valued.sql",
        include_str!("fanout/sql/act_valued.sql"),
    ),
    (
        "sql/act_replaced.sql",
        include_str!("fanout/sql/act_replaced.sql"),
    ),
    (
        "sql/act_replacement.sql",
        include_str!("fanout/sql/act_replacement.sql"),
    ),
    ("sql/act_hard.sql", include_str!("fanout/sql/act_hard.sql")),
    (
        "sql/count_total.sql",
        include_str!("fanout/sql/count_total.sql"),
    ),
    ("sql/sum_up.sql", include_str!("fanout/sql/sum_up.sql")),
];

/// Steps that never succeed for some.
const BREAKABLE: [&str; 4] = ["act/soft", "act/valued", "act/replaced", "act/hard"];

/// Exit codes of commands that do their work here: it ends well, or with lanes that failed.
const CODES: &[i32] = &[0, 5];

/// One world from its making to its end.
///
/// # Errors
/// When the driver cannot do its work.
pub(crate) fn play(driver: &mut Driver, name: &str, entities: u32) -> Result<(), Failure> {
    let mut world = make(driver, name, entities)?;
    run(driver, &mut world, "first", true)?;
    judge(driver, &world)?;
    if driver.violations.is_empty() {
        mend(&world)?;
        retry(driver, &mut world)?;
        judge(driver, &world)?;
    }
    if driver.violations.is_empty() && !driver.is_sated() {
        run(driver, &mut world, "second", true)?;
        judge(driver, &world)?;
    }
    Ok(())
}

/// Makes the folder: pipeline, entities and what is broken for whom.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn make(driver: &mut Driver, name: &str, entities: u32) -> Result<World, Failure> {
    let world = World::make(driver, name)?;
    let folder = world.path("pipeline");
    for (file, text) in FILES {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        std::fs::write(&path, text)?;
    }
    fill(&world.warehouse(), entities, driver.chooser.random())?;
    Ok(world)
}

fn fill(warehouse: &Path, entities: u32, random: &mut Random) -> Result<(), Failure> {
    let mut connection = Connection::open(warehouse)?;
    connection.execute_batch(include_str!("fanout/warehouse.sql"))?;
    let transaction = connection.transaction()?;
    for number in 0..entities {
        let name = format!("entity-{number:03}");
        // The first six share their keys two by two.
        let pair = if number < 6 {
            format!("pair-{}", number / 2)
        } else {
            name.clone()
        };
        let (extra, amount) = (
            number == 7 || (number != 6 && random.chance(1, 2)),
            1 + random.below(100),
        );
        let values = (&name, 1, pair, extra, i64::try_from(amount)?);
        transaction.execute("insert into entity_list (name, batch, pair, extra, amount) values (?1, ?2, ?3, ?4, ?5)", values)?;
        transaction.execute(
            "insert into account (name, balance) values (?1, 0)",
            [&name],
        )?;
        for (at, step) in (0_u32..).zip(BREAKABLE) {
            // Each way to fail happens, whatever the seed says.
            if number == 6 + at % 2 || random.chance(1, 8) {
                transaction.execute(
                    "insert into broken (name, step) values (?1, ?2)",
                    [&name, step],
                )?;
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

/// Launches and runs to the end.
///
/// # Errors
/// When the driver cannot do its work.
pub(crate) fn run(
    driver: &mut Driver,
    world: &mut World,
    key: &str,
    with_kills: bool,
) -> Result<(), Failure> {
    let arguments = run_arguments(world, key);
    if !with_kills {
        driver.command(world, &arguments, &Kill::Never)?;
        return Ok(());
    }
    let key = key.to_owned();
    driver.drive(world, CODES, |world| {
        let (launched, settled) = world.how_far(&key)?;
        let moment = if launched {
            Moment::Run
        } else {
            Moment::Launch
        };
        Ok((!settled || left_open(world)?).then(|| (moment, run_arguments(world, &key))))
    })
}

/// Whether an engine died after everything had settled: the next one tidies up after it.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn left_open(world: &World) -> Result<bool, Failure> {
    Ok(world.number("select count(*) from node where left_at is null")? > 0)
}

/// `carril run` with the key of a launch.
pub(crate) fn run_arguments(world: &World, key: &str) -> Vec<String> {
    let pipeline = world.path("pipeline").display().to_string();
    let target = format!("warehouse=sqlite:{}", world.warehouse().display());
    let calls = format!("calls={}", world.path("calls.log").display());
    let tool = format!("tool={}", world.path("pipeline/told.sh").display());
    let words = [
        "run",
        &pipeline,
        "--json",
        "--idempotency-key",
        key,
        "--target",
        &target,
        "--set",
        "batch=1",
        "--set",
        &calls,
        "--set",
        &tool,
    ];
    world.arguments(&words)
}

/// What made lanes fail is repaired; warnings and steps that others stand in for stay.
fn mend(world: &World) -> Result<(), Failure> {
    Connection::open(world.warehouse())?
        .execute("delete from broken where step = 'act/hard'", [])?;
    Ok(())
}

/// Retries what failed until nothing has failed.
///
/// # Errors
/// When the driver cannot do its work.
pub(crate) fn retry(driver: &mut Driver, world: &mut World) -> Result<(), Failure> {
    driver.drive(world, CODES, |world| {
        let process = world.number("select max(id) from process where state > 0")?;
        let (failed, unsettled) = (
            "select failed from process where id = ",
            "select count(*) from process where state in (1, 2)",
        );
        if world.number(unsettled)? > 0 || left_open(world)? {
            return Ok(Some((Moment::Run, run_arguments(world, "first"))));
        }
        if world.number(&format!("{failed}{process}"))? == 0 {
            return Ok(None);
        }
        let words = [
            "retry",
            "--process",
            &process.to_string(),
            "--failed",
            "--yes",
            "--json",
        ];
        Ok(Some((Moment::Run, world.arguments(&words))))
    })
}

/// Looks at a world that has settled.
///
/// # Errors
/// When it cannot be looked at.
pub(crate) fn judge(driver: &mut Driver, world: &World) -> Result<(), Failure> {
    if driver.violations.is_empty() {
        let found = check::when_settled(world, Pipeline::Fanout)?;
        check::tell(driver, world, found);
    }
    Ok(())
}
