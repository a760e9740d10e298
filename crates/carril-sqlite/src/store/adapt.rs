//! The lanes of processes that find out their number: how they begin, every change, and what people read of it.
//!
//! Nothing is decided here but whether a change is of the number that is there; what follows from one is the engine's.

use super::fault::{OrFault, damaged};
use super::rows::{get, small};
use super::session::execute;
use carril_model::contract::{Fault, Launch};
use carril_model::id::{NodeId, ProcessId};
use carril_model::lanes::{LanesChange, LanesReason, LanesRow};
use carril_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// With the launch: that the process finds out its number, if it does.
pub(crate) fn begin(
    connection: &Connection,
    node: i64,
    launch: &Launch,
    process: ProcessId,
) -> Result<(), Fault> {
    if let Some(most) = launch.lanes_auto {
        let values = params![process.0, launch.at.0, node, launch.lanes, most];
        execute(connection, sql!("lanes_begin"), values)?;
    }
    Ok(())
}

/// Another number, if the process is as it was seen.
pub(crate) fn set(
    connection: &Connection,
    node: i64,
    process: ProcessId,
    change: &LanesChange,
    at: Timestamp,
) -> Result<(), Fault> {
    let values = params![process.0, change.from, change.to];
    if execute(connection, sql!("lanes_set"), values)? == 0 {
        return Ok(());
    }
    let values = params![
        process.0,
        at.0,
        node,
        change.from,
        change.to,
        change.reason.name(),
        change.detail
    ];
    execute(connection, sql!("lanes_change_write"), values)?;
    execute(connection, sql!("lanes_change_trim"), params![process.0])?;
    Ok(())
}

/// The number that a process never goes above, if it finds out how many lanes it has.
pub(crate) fn most(connection: &Connection, process: ProcessId) -> Result<Option<u32>, Fault> {
    let mut statement = connection.prepare_cached(sql!("lanes_auto")).or_fault()?;
    let found = statement
        .query_row([process.0], |row| Ok(small(row, 0)))
        .optional();
    found.or_fault()?.transpose()
}

/// One change, from the columns of `history_lanes`.
pub(crate) fn row(row: &Row<'_>) -> Result<LanesRow, Fault> {
    let reason: String = get(row, 5)?;
    Ok(LanesRow {
        at: Timestamp(get(row, 0)?),
        node: NodeId(get(row, 1)?),
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
