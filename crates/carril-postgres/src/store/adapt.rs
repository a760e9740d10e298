//! The lanes of processes that find out their number: how they begin, every change, and what people read of it.
//!
//! Nothing is decided here but whether a change is of the number that is there; what follows from one is the engine's. Of engines that
//! propose at the same time the first is heard: for the others the number is no longer what they saw.

use super::fault::damaged;
use super::rows::{get, int, small, text};
use super::session::Tx;
use carril_model::contract::{Fault, Launch};
use carril_model::id::{NodeId, ProcessId};
use carril_model::lanes::{LanesChange, LanesReason, LanesRow};
use carril_model::time::Timestamp;
use tokio_postgres::Row;

/// With the launch: that the process finds out its number, if it does.
pub(crate) async fn begin(tx: &Tx<'_>, launch: &Launch, process: ProcessId) -> Result<(), Fault> {
    if let Some(most) = launch.lanes_auto {
        let (lanes, most) = (i64::from(launch.lanes), i64::from(most));
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&process.0, &launch.at.0, &tx.node.0, &lanes, &most];
        tx.exactly(1, sql!("lanes_begin"), &values).await?;
    }
    Ok(())
}

/// Another number, if the process is as it was seen.
pub(crate) async fn set(
    tx: &Tx<'_>,
    process: ProcessId,
    change: &LanesChange,
    at: Timestamp,
) -> Result<(), Fault> {
    let (from, to) = (i64::from(change.from), i64::from(change.to));
    let query = sql!("lanes_set");
    if tx.execute(query, &[&process.0, &from, &to]).await? == 0 {
        return Ok(());
    }
    let (reason, detail) = (change.reason.name(), text(&change.detail));
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
        [&process.0, &at.0, &tx.node.0, &from, &to, &reason, &detail];
    tx.exactly(1, sql!("lanes_change_write"), &values).await?;
    tx.execute(sql!("lanes_change_trim"), &[&process.0]).await?;
    Ok(())
}

/// The number that a process never goes above, if it finds out how many lanes it has.
pub(crate) async fn most(tx: &Tx<'_>, process: ProcessId) -> Result<Option<u32>, Fault> {
    let found = tx.row(sql!("lanes_auto"), &[&process.0]).await?;
    found.map(|row| small(&row, 0)).transpose()
}

/// One change, from the columns of `history_lanes`.
pub(crate) fn row(row: &Row) -> Result<LanesRow, Fault> {
    let reason: String = get(row, 5)?;
    Ok(LanesRow {
        at: Timestamp(int(row, 0)?),
        node: NodeId(int(row, 1)?),
        change: LanesChange {
            from: small(row, 2)?,
            to: small(row, 3)?,
            reason: LanesReason::from_name(&reason)
                .ok_or_else(|| damaged(format!("lanes were changed because of {reason}")))?,
            detail: get(row, 6)?,
        },
        most: small(row, 4)?,
    })
}
