//! The warehouse file: opened, given its tables, written in one transaction, or filled with funds that are made up.
//! The tables are those of `sql/schema.sql`, which the pipeline reads as well.

use crate::error::LoadError;
use jiff::civil::Date;
use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::{Batch, Connection, Transaction, TransactionBehavior};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The warehouse's tables; running it again changes nothing.
pub const SCHEMA_SQL: &str = include_str!("../sql/schema.sql");

/// Makes up funds: a list of statements with the parameters `:funds` and `:report_date` in one of them.
pub const GENERATE_SQL: &str = include_str!("../sql/generate.sql");

/// The largest number of funds that [`generate`] makes; a fund is about 120 rows.
pub const FUNDS_MAX: u32 = 10_000;

/// How long to wait for another program that writes the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes up `funds` funds with statements for `report_date` and for the month-end before it, in one transaction.
///
/// The same call makes the same rows; what these funds had on the two dates is replaced.
///
/// # Errors
/// [`LoadError::Funds`] where the number is 0 or above [`FUNDS_MAX`], [`LoadError::Warehouse`] where the file cannot be
/// written; the warehouse is then as it was before the call.
pub fn generate(into: &Path, funds: u32, report_date: Date) -> Result<(), LoadError> {
    if !(1..=FUNDS_MAX).contains(&funds) {
        return Err(LoadError::Funds {
            funds,
            max: FUNDS_MAX,
        });
    }
    write(into, |transaction| {
        run_generator(transaction, funds, report_date).map_err(|source| LoadError::Warehouse {
            path: into.to_owned(),
            source,
        })
    })
}

fn run_generator(
    transaction: &Transaction<'_>,
    funds: u32,
    report_date: Date,
) -> rusqlite::Result<()> {
    let report_date = report_date.to_string();
    let mut statements = Batch::new(transaction, GENERATE_SQL);
    while let Some(mut statement) = statements.next()? {
        if let Some(index) = statement.parameter_index(":funds")? {
            statement.raw_bind_parameter(index, funds)?;
        }
        if let Some(index) = statement.parameter_index(":report_date")? {
            statement.raw_bind_parameter(index, &report_date)?;
        }
        statement.raw_execute()?;
    }
    Ok(())
}

/// Makes the tables that are missing.
///
/// # Errors
/// What SQLite says, for instance where the file is no database or is read-only.
pub fn apply_schema(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(SCHEMA_SQL)
}

/// Runs `work` in one transaction on the file. A file that the call itself made goes again when it fails.
pub(crate) fn write<T>(
    into: &Path,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, LoadError>,
) -> Result<T, LoadError> {
    let was_there = into.exists();
    let result = write_to(into, work);
    if result.is_err() && !was_there {
        // The error that is on its way says more than a failed removal could.
        let _ = fs::remove_file(into);
    }
    result
}

fn write_to<T>(
    into: &Path,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, LoadError>,
) -> Result<T, LoadError> {
    let failed = |source| LoadError::Warehouse {
        path: into.to_owned(),
        source,
    };
    let mut connection = Connection::open(into).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    apply_schema(&transaction).map_err(failed)?;
    let result = work(&transaction)?;
    transaction.commit().map_err(failed)?;
    Ok(result)
}
