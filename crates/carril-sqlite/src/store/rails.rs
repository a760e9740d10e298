//! What guard rails look at, for the engine's store and for whoever reads: versions, baselines, past runs, time at work.
//!
//! Only reads, and keeps what the model made. Whether a version is bad or a run slow is decided in the model.

use super::fault::OrFault;
use super::rows::{count, flag, get};
use super::session::{execute, write};
use carril_model::baseline::{Baseline, PastRun};
use carril_model::contract::Fault;
use carril_model::definition::Version;
use carril_model::guard::{self, VersionRecord};
use carril_model::id::ProcessId;
use carril_model::time::Timestamp;
use rusqlite::{Connection, Row, ToSql, params};

/// The records of a version and of others of its pipeline.
pub(crate) fn versions(
    connection: &Connection,
    pipeline: &str,
    version: &Version,
    others: u32,
) -> Result<Vec<VersionRecord>, Fault> {
    let window = i64::try_from(guard::WINDOW.as_micros()).unwrap_or(i64::MAX);
    all(
        connection,
        sql!("rails_versions"),
        params![pipeline, version.0, others, window],
        |row| {
            Ok(VersionRecord {
                version: Version(get(row, 0)?),
                first_launch: Timestamp(get(row, 1)?),
                settled: count(row, 2)?,
                failed: count(row, 3)?,
                succeeded: count(row, 4)?,
                has_succeeded: flag(row, 5)?,
            })
        },
    )
}

/// How many executions of a version failed in its first hours.
pub(crate) fn early_failures(
    connection: &Connection,
    pipeline: &str,
    version: &Version,
) -> Result<u64, Fault> {
    let window = i64::try_from(guard::WINDOW.as_micros()).unwrap_or(i64::MAX);
    let mut statement = connection
        .prepare_cached(sql!("rails_early_failures"))
        .or_fault()?;
    statement
        .query_row(params![pipeline, version.0, window], |row| {
            Ok(count(row, 0))
        })
        .or_fault()?
}

/// Baselines in order of their pipelines.
pub(crate) fn baselines(
    connection: &Connection,
    pipeline: Option<&str>,
    max: u32,
) -> Result<Vec<Baseline>, Fault> {
    all(
        connection,
        sql!("baselines"),
        params![pipeline, max],
        |row| {
            Ok(Baseline {
                pipeline: get(row, 0)?,
                process: ProcessId(get(row, 1)?),
                version: Version(get(row, 2)?),
                entities: count(row, 3)?,
                worked_micros: get(row, 4)?,
                set_by: get(row, 5)?,
                set_at: Timestamp(get(row, 6)?),
            })
        },
    )
}

/// Past runs of a pipeline, newest first.
pub(crate) fn past_runs(
    connection: &Connection,
    pipeline: &str,
    after: ProcessId,
    max: u32,
) -> Result<Vec<PastRun>, Fault> {
    let rows = all(
        connection,
        sql!("rails_past_runs"),
        params![pipeline, after.0, max],
        |row| {
            let (launched_at, reopened): (i64, bool) = (get(row, 3)?, flag(row, 4)?);
            let run = PastRun {
                process: ProcessId(get(row, 0)?),
                ended_at: Timestamp(get(row, 1)?),
                entities: count(row, 2)?,
                worked_micros: get::<i64>(row, 1)?.saturating_sub(launched_at).max(0),
            };
            Ok((run, reopened))
        },
    )?;
    let mut runs = Vec::with_capacity(rows.len());
    for (mut run, reopened) in rows {
        // Only of those that were run again the rest lies between their runs.
        if reopened {
            run.worked_micros = worked_micros(connection, run.process, run.ended_at)?;
        }
        runs.push(run);
    }
    Ok(runs)
}

/// Microseconds in which at least one run of a process was under way.
pub(crate) fn worked_micros(
    connection: &Connection,
    process: ProcessId,
    now: Timestamp,
) -> Result<i64, Fault> {
    connection
        .prepare_cached(sql!("history_worked"))
        .and_then(|mut statement| statement.query_row(params![process.0, now.0], |row| row.get(0)))
        .or_fault()
}

/// Keeps a baseline.
pub(crate) fn keep_baseline(connection: &mut Connection, baseline: &Baseline) -> Result<(), Fault> {
    write(connection, |transaction| {
        let entities = i64::try_from(baseline.entities).unwrap_or(i64::MAX);
        let values = params![
            baseline.pipeline,
            baseline.process.0,
            baseline.version.0,
            entities,
            baseline.worked_micros,
            baseline.set_by,
            baseline.set_at.0
        ];
        execute(transaction, sql!("baseline_keep"), values).map(|_| ())
    })
}

/// Forgets a pipeline's baseline; whether there was one.
pub(crate) fn clear_baseline(connection: &mut Connection, pipeline: &str) -> Result<bool, Fault> {
    write(connection, |transaction| {
        Ok(execute(transaction, sql!("baseline_clear"), params![pipeline])? == 1)
    })
}

fn all<T>(
    connection: &Connection,
    query: &str,
    values: &[&dyn ToSql],
    read: impl Fn(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut statement = connection.prepare_cached(query).or_fault()?;
    let mut rows = statement.query(values).or_fault()?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().or_fault()? {
        found.push(read(row)?);
    }
    Ok(found)
}
