//! Forgetting settled processes, a bounded piece at a time, so that nobody waits long for the store.
//!
//! The first piece hides the process from everybody, as a launch that was not finished is hidden: what is half forgotten is
//! never shown, run again or counted. That is done alone in the store, the removing is not: nobody else looks at what is hidden. A
//! crash in between leaves it hidden, and whoever asks again goes on.

use super::hot;
use super::rows;
use super::session::{Session, Turn, Tx};
use carril_model::contract::{Fault, Forgotten, ProcessRow};
use carril_model::id::ProcessId;
use carril_model::time::Timestamp;

/// Processes that ended before a time, and those that are half forgotten.
pub(crate) async fn ended(
    tx: &Tx<'_>,
    before: Timestamp,
    above: Option<ProcessId>,
    max: u32,
) -> Result<Vec<ProcessRow>, Fault> {
    let (above, max) = (above.map_or(-1, |id| id.0), i64::from(max));
    let found = tx
        .rows(sql!("processes_ended"), &[&before.0, &above, &max])
        .await?;
    found.iter().map(rows::process).collect()
}

/// Forgets a piece of a process, at most `max` executions; with the last of them the process is gone.
pub(crate) async fn forget(
    session: &mut Session,
    process: ProcessId,
    max: u32,
) -> Result<Forgotten, Fault> {
    let (first, last) = session
        .write(Turn::Alone, async |tx| {
            let Some(range) = hot::range(tx, process).await? else {
                return Err(Fault::Conflict(format!("there is no process {process}")));
            };
            if tx.execute(sql!("forget_begin"), &[&process.0]).await? != 1 {
                return Err(Fault::Conflict(format!(
                    "process {process} is not settled, is being rolled back, or another waits for it"
                )));
            }
            tx.execute(sql!("forget_import"), &[&process.0]).await?;
            tx.execute(sql!("forget_lanes"), &[&process.0]).await?;
            Ok(range)
        })
        .await?;
    session
        .write(Turn::Shared, async |tx| {
            piece(tx, process, first - 1, last, max).await
        })
        .await
}

async fn piece(
    tx: &Tx<'_>,
    process: ProcessId,
    above: i64,
    last: i64,
    max: u32,
) -> Result<Forgotten, Fault> {
    let max = i64::from(max);
    let row = tx
        .row(sql!("forget_upto"), &[&process.0, &above, &last, &max])
        .await?;
    let upto = match row {
        Some(row) => rows::maybe(&row, 0)?,
        None => None,
    };
    let Some(upto) = upto else {
        for query in [
            sql!("tally_remove"),
            sql!("participant_remove"),
            sql!("launch_remove_process"),
        ] {
            tx.execute(query, &[&process.0]).await?;
        }
        return Ok(Forgotten {
            executions: 0,
            whole: true,
        });
    };
    let queries = [
        sql!("forget_step"),
        sql!("forget_step_detail"),
        sql!("forget_step_log"),
        sql!("forget_wait"),
        sql!("forget_signal"),
        sql!("forget_run_history"),
        sql!("forget_entity"),
        sql!("forget_execution"),
    ];
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&process.0, &above, &upto];
    let statements = queries.map(|query| (query, values.to_vec()));
    let removed = tx.execute_all(&statements).await?;
    Ok(Forgotten {
        executions: removed.last().copied().unwrap_or(0),
        whole: false,
    })
}
