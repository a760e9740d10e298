//! What guard rails look at, for the engine's store and for whoever reads: versions, baselines, past runs, time at work.
//!
//! Only reads, and keeps what the model made. Whether a version is bad or a run slow is decided in the model.

use super::fault::damaged;
use super::rows::{count, flag, get, int, text};
use super::session::{Session, Turn, Tx};
use carril_model::baseline::{Baseline, PastRun};
use carril_model::contract::Fault;
use carril_model::definition::Version;
use carril_model::guard::{self, VersionRecord};
use carril_model::id::ProcessId;
use carril_model::time::Timestamp;

/// The records of a version and of others of its pipeline.
pub(crate) async fn versions(
    tx: &Tx<'_>,
    pipeline: &str,
    version: &Version,
    others: u32,
) -> Result<Vec<VersionRecord>, Fault> {
    let window = i64::try_from(guard::WINDOW.as_micros()).unwrap_or(i64::MAX);
    let (pipeline, others) = (text(pipeline), i64::from(others));
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&pipeline, &version.0, &others, &window];
    let found = tx.rows(sql!("rails_versions"), &values).await?;
    found
        .iter()
        .map(|row| {
            Ok(VersionRecord {
                version: Version(get(row, 0)?),
                first_launch: Timestamp(int(row, 1)?),
                settled: count(row, 2)?,
                failed: count(row, 3)?,
                succeeded: count(row, 4)?,
                has_succeeded: flag(row, 5)?,
            })
        })
        .collect()
}

/// Baselines in order of their pipelines.
pub(crate) async fn baselines(
    tx: &Tx<'_>,
    pipeline: Option<&str>,
    max: u32,
) -> Result<Vec<Baseline>, Fault> {
    let (pipeline, max) = (pipeline.map(text), i64::from(max));
    let found = tx.rows(sql!("baselines"), &[&pipeline, &max]).await?;
    found
        .iter()
        .map(|row| {
            Ok(Baseline {
                pipeline: get(row, 0)?,
                process: ProcessId(int(row, 1)?),
                version: Version(get(row, 2)?),
                entities: count(row, 3)?,
                worked_micros: int(row, 4)?,
                set_by: get(row, 5)?,
                set_at: Timestamp(int(row, 6)?),
            })
        })
        .collect()
}

/// Past runs of a pipeline, newest first.
pub(crate) async fn past_runs(
    tx: &Tx<'_>,
    pipeline: &str,
    after: ProcessId,
    max: u32,
) -> Result<Vec<PastRun>, Fault> {
    let (pipeline, max) = (text(pipeline), i64::from(max));
    let found = tx
        .rows(sql!("rails_past_runs"), &[&pipeline, &after.0, &max])
        .await?;
    let mut runs = Vec::with_capacity(found.len());
    for row in &found {
        let (ended_at, launched_at) = (int(row, 1)?, int(row, 3)?);
        let mut run = PastRun {
            process: ProcessId(int(row, 0)?),
            ended_at: Timestamp(ended_at),
            entities: count(row, 2)?,
            worked_micros: ended_at.saturating_sub(launched_at).max(0),
        };
        // Only of those that were run again the rest lies between their runs.
        if flag(row, 4)? {
            run.worked_micros = worked_micros(tx, run.process, run.ended_at).await?;
        }
        runs.push(run);
    }
    Ok(runs)
}

/// Microseconds in which at least one run of a process was under way.
pub(crate) async fn worked_micros(
    tx: &Tx<'_>,
    process: ProcessId,
    now: Timestamp,
) -> Result<i64, Fault> {
    let row = tx
        .row(sql!("history_worked"), &[&process.0, &now.0])
        .await?;
    int(&row.ok_or_else(|| damaged("a sum has no row"))?, 0)
}

/// Keeps a baseline.
pub(crate) async fn keep_baseline(session: &mut Session, baseline: &Baseline) -> Result<(), Fault> {
    let entities = i64::try_from(baseline.entities).unwrap_or(i64::MAX);
    session
        .write_unentered(Turn::Shared, async |tx| {
            let (pipeline, set_by) = (text(&baseline.pipeline), text(&baseline.set_by));
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] = [
                &pipeline,
                &baseline.process.0,
                &baseline.version.0,
                &entities,
                &baseline.worked_micros,
                &set_by,
                &baseline.set_at.0,
            ];
            tx.exactly(1, sql!("baseline_keep"), &values).await
        })
        .await
}

/// Forgets a pipeline's baseline; whether there was one.
pub(crate) async fn clear_baseline(session: &mut Session, pipeline: &str) -> Result<bool, Fault> {
    session
        .write_unentered(Turn::Shared, async |tx| {
            let removed = tx
                .execute(sql!("baseline_clear"), &[&text(pipeline)])
                .await?;
            Ok(removed == 1)
        })
        .await
}
