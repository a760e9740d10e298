//! One group, one transaction: records, then changes of processes, breakers, then claims, all durable together.

use super::breakers;
use super::changes;
use super::claim;
use super::deltas::Deltas;
use super::fault::{OrFault, damaged};
use super::records::Records;
use super::rows;
use super::session::{Session, write};
use super::wake;
use carril_model::contract::{Fault, Group, ProcessRow, Report};
use carril_model::id::ProcessId;
use rusqlite::{Connection, OptionalExtension};

/// Commits a group. What this returns is durable; a failed COMMIT is never reported as done.
pub(crate) fn commit(
    connection: &mut Connection,
    session: &mut Session,
    group: &Group,
) -> Result<Report, Fault> {
    fail::fail_point!("store::commit::before", |_| Err(Fault::Unavailable(
        "failpoint before the commit".to_owned()
    )));
    let (report, seen) = write(connection, |transaction| {
        let node = session.alive(transaction)?;
        let mut deltas = Deltas::default();
        let verdicts =
            Records::new(transaction, session, &mut deltas, group.at).write(&group.records)?;
        for change in &group.processes {
            // What the records did to a process must be there before it is looked at.
            deltas.write(transaction)?;
            changes::change(transaction, session, &mut deltas, change)?;
        }
        for breaker in &group.breakers {
            breakers::write(transaction, breaker)?;
        }
        let (due, next_due) = if group.wakes > 0 {
            wake::due(transaction, &mut deltas, group.wakes, group.at)?
        } else {
            (0, None)
        };
        deltas.write(transaction)?;
        let mut claimed = Vec::new();
        for claim in &group.claims {
            claimed.append(&mut claim::claim(transaction, node, *claim, group.at)?);
        }
        session.sweep.run(transaction)?;
        let seen = session.see(transaction, group.at)?;
        let processes = deltas
            .touched()
            .map(|process| process_row(transaction, ProcessId(process)))
            .collect::<Result<_, _>>()?;
        let woken = deltas.woken().iter().copied().map(ProcessId).collect();
        Ok((
            Report {
                verdicts,
                processes,
                decided: Vec::new(),
                claimed,
                due,
                next_due,
                woken,
            },
            seen,
        ))
    })?;
    if seen {
        session.seen = group.at;
    }
    fail::fail_point!("store::commit::after", |_| Err(Fault::Unavailable(
        "failpoint after the commit".to_owned()
    )));
    Ok(report)
}

/// One process, which must exist.
pub(crate) fn process_row(
    connection: &Connection,
    process: ProcessId,
) -> Result<ProcessRow, Fault> {
    find_process(connection, process)?
        .ok_or_else(|| damaged(format!("process {process} has executions and no row")))
}

/// One process, if it exists.
pub(crate) fn find_process(
    connection: &Connection,
    process: ProcessId,
) -> Result<Option<ProcessRow>, Fault> {
    let mut statement = connection.prepare_cached(sql!("process_read")).or_fault()?;
    statement
        .query_row([process.0], |row| Ok(rows::process(row)))
        .optional()
        .or_fault()?
        .transpose()
}
