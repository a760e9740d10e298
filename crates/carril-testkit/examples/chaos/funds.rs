//! The funds example: generated funds, two runs of the same date under kills, and the same figures as a run that nobody killed.

use super::Settings;
use super::check::{self, Pipeline};
use super::fanout::left_open;
use super::kill::{Kill, Moment};
use super::world::{Driver, Failure, World};
use rusqlite::Connection;
use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::Value;
use std::path::Path;
use std::process::Command;

/// The date whose funds are made up and reported.
const DATE: &str = "2025-06-30";
/// What a run of the example shows to others.
const SHOWN: [&str; 3] = ["fund_report", "fund_position", "fund_cube"];

/// One world from its making to its end.
///
/// # Errors
/// When the driver cannot do its work.
pub(crate) fn play(driver: &mut Driver, settings: &Settings, name: &str) -> Result<(), Failure> {
    let wanted = reference(driver, settings)?;
    let mut world = make(driver, settings, name)?;
    for key in ["first", "second"] {
        run(driver, settings, &mut world, key)?;
        judge(driver, &world)?;
        if driver.violations.is_empty() && shown(&world)? != wanted {
            driver.violation(
                &world,
                "P2 kills change no result",
                format!("after run `{key}` the reports differ from those of a run without kills"),
            );
        }
        if !driver.violations.is_empty() || driver.is_sated() {
            break;
        }
    }
    Ok(())
}

/// What a run without kills shows; made once per chaos run.
fn reference(driver: &mut Driver, settings: &Settings) -> Result<String, Failure> {
    let is_made = driver.folder.join("funds-reference").exists();
    let mut world = if is_made {
        World::make(driver, "funds-reference")?
    } else {
        make(driver, settings, "funds-reference")?
    };
    if !is_made {
        let arguments = run_arguments(&world, settings, "first");
        driver.command(&mut world, &arguments, &Kill::Never)?;
        judge(driver, &world)?;
    }
    shown(&world)
}

/// Makes the folder: the warehouse with its funds. The pipeline stays where it is.
///
/// # Errors
/// When the funds cannot be made.
pub(crate) fn make(driver: &mut Driver, settings: &Settings, name: &str) -> Result<World, Failure> {
    let world = World::make(driver, name)?;
    match &settings.funds_load {
        Some(loader) => {
            let count = settings.fund_count.to_string();
            let made = Command::new(loader)
                .arg("--into")
                .arg(world.warehouse())
                .args(["--generate", &count, "--date", DATE])
                .output()?;
            if !made.status.success() {
                return Err(format!(
                    "the funds could not be made: {}",
                    String::from_utf8_lossy(&made.stderr)
                )
                .into());
            }
        }
        None => generate(&settings.funds, &world.warehouse(), settings.fund_count)?,
    }
    Ok(world)
}

/// Makes funds with the example's own SQL, as its loader does.
fn generate(example: &Path, warehouse: &Path, count: u32) -> Result<(), Failure> {
    let mut connection = Connection::open(warehouse)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(&std::fs::read_to_string(example.join("sql/schema.sql"))?)?;
    let text = std::fs::read_to_string(example.join("sql/generate.sql"))?;
    let mut statements = rusqlite::Batch::new(&transaction, &text);
    while let Some(mut statement) = statements.next()? {
        if let Some(index) = statement.parameter_index(":funds")? {
            statement.raw_bind_parameter(index, count)?;
        }
        if let Some(index) = statement.parameter_index(":report_date")? {
            statement.raw_bind_parameter(index, DATE)?;
        }
        statement.raw_execute()?;
    }
    transaction.commit()?;
    Ok(())
}

/// Launches and runs to the end, under kills.
///
/// # Errors
/// When the driver cannot do its work.
pub(crate) fn run(
    driver: &mut Driver,
    settings: &Settings,
    world: &mut World,
    key: &str,
) -> Result<(), Failure> {
    driver.drive(world, &[0], |world| {
        let (launched, settled) = world.how_far(key)?;
        let moment = if launched {
            Moment::Run
        } else {
            Moment::Launch
        };
        Ok((!settled || left_open(world)?).then(|| (moment, run_arguments(world, settings, key))))
    })
}

/// `carril run` with the key of a launch.
pub(crate) fn run_arguments(world: &World, settings: &Settings, key: &str) -> Vec<String> {
    let pipeline = settings.funds.display().to_string();
    let target = format!("warehouse=sqlite:{}", world.warehouse().display());
    let date = format!("report_date={DATE}");
    world.arguments(&[
        "run",
        &pipeline,
        "--json",
        "--idempotency-key",
        key,
        "--target",
        &target,
        "--set",
        &date,
    ])
}

/// Looks at a world that has settled.
///
/// # Errors
/// When it cannot be looked at.
pub(crate) fn judge(driver: &mut Driver, world: &World) -> Result<(), Failure> {
    if driver.violations.is_empty() {
        let found = check::when_settled(world, Pipeline::Funds)?;
        check::tell(driver, world, found);
    }
    Ok(())
}

/// Everything that is shown to others, without who published it.
fn shown(world: &World) -> Result<String, Failure> {
    let connection = world.look()?;
    let mut text = String::new();
    for table in SHOWN {
        text.push_str(&dump(&connection, table, "true")?);
    }
    Ok(text)
}

/// The rows of a table of the warehouse, in an order of their own, without the columns that differ from run to run.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn dump(
    connection: &Connection,
    table: &str,
    condition: &str,
) -> Result<String, Failure> {
    let mut names = connection.prepare("select name from pragma_table_info(?1, 'warehouse') where name not in ('execution_id', 'published_at', 'writer', 'run', 'serial', 'note')")?;
    let columns: Vec<String> = names
        .query_map([table], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let columns = columns.join(", ");
    let mut statement = connection.prepare(&format!(
        "select {columns} from warehouse.{table} where {condition} order by {columns}"
    ))?;
    let count = statement.column_count();
    let mut rows = statement.query([])?;
    let mut text = format!("{table}\n");
    while let Some(row) = rows.next()? {
        let cells: Vec<Value> = (0..count).map(|at| row.get(at)).collect::<Result<_, _>>()?;
        text.push_str(&format!("{cells:?}\n"));
    }
    Ok(text)
}
