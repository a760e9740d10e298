//! `carril purge`: removes whole processes with everything under them, after it has told what that is.

use super::rollback::{preview, told};
use crate::arguments::{Purge, Targeted};
use crate::command::control;
use crate::context::Context;
use crate::door::{Door, LOOK, Place, Reply};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::Follower;
use crate::found;
use crate::meant::{Meant, confirm};
use crate::output::number;
use crate::view::View;
use carril::EngineSeen;
use carril::model::contract::{ExecutionRow, History, TableRows, Wish};
use carril::model::id::ProcessId;
use carril::model::state::ExecutionState;
use carril::shape::{RowsShape, rows};
use serde::Serialize;
use std::collections::BTreeMap;

/// Looks at a store in which another engine purges before it is said that nothing happens: 10 min. A purge shows only its end.
const LOOKS_MAX: u32 = 6_000;

#[derive(Debug, Serialize)]
struct Shape<'a> {
    purged: &'a [i64],
    executions: u64,
    rows: Vec<RowsShape<'a>>,
    dry_run: bool,
}

/// What would go, or has gone.
#[derive(Debug, Default)]
struct Going {
    executions: u64,
    /// Executions whose rows are not removed yet.
    standing: u64,
    rows: Vec<TableRows>,
}

/// Purges.
pub(crate) async fn run(context: &Context, arguments: &Purge) -> Result<Exit, Failure> {
    let place = control::place(context)?;
    let reader = context.read(&place.store).await?;
    let mut processes = arguments.processes.clone();
    processes.sort_unstable();
    processes.dedup();
    let going = look(context, reader.history(), &place, &processes).await?;
    if arguments.dry_run {
        tell(context, &processes, &going, true)?;
        return Ok(Exit::Ok);
    }
    confirm(context, arguments.yes, &question(&processes, &going))?;
    let mut follower =
        Follower::open(context, place, View::for_one_answer(&context.output)).await?;
    let result = purge_all(&mut follower, &processes, going).await;
    let closed = follower.close().await;
    let gone = result?;
    closed?;
    tell(context, &processes, &gone, false)?;
    Ok(Exit::Ok)
}

/// Counts what there is to remove; nothing is begun when one of the processes cannot be.
async fn look(
    context: &Context,
    history: &dyn History,
    place: &Place,
    processes: &[i64],
) -> Result<Going, Failure> {
    let mut all = Vec::with_capacity(processes.len());
    for id in processes {
        let targeted = Targeted {
            process: Some(*id),
            ..Targeted::default()
        };
        let meant = Meant::find(history, &targeted).await?;
        if let Some(row) = meant.processes.iter().find(|row| !row.state.is_settled()) {
            let message = format!("process {id} is {}, so it cannot be purged yet", row.state);
            return Err(
                Failure::new(Exit::Refused, "CAR0440", message).help(format!(
                    "wait for its end, or cancel it first: `carril cancel {id}`"
                )),
            );
        }
        all.push(meant);
    }
    let mut going = Going::default();
    let mut sums = BTreeMap::new();
    for meant in &all {
        let is_entity = |row: &&ExecutionRow| row.entity.is_some();
        going.executions += meant.executions.iter().filter(is_entity).count() as u64;
        going.standing += meant
            .of(|row| row.state != ExecutionState::RolledBack)
            .len() as u64;
        add(&mut sums, preview(context, history, place, meant).await?);
    }
    going.rows = sums.into_values().collect();
    Ok(going)
}

fn add(sums: &mut BTreeMap<String, TableRows>, rows: Vec<TableRows>) {
    for row in rows {
        match sums.get_mut(&row.table) {
            Some(sum) => sum.deleted += row.deleted,
            None => drop(sums.insert(row.table.clone(), row)),
        }
    }
}

async fn purge_all(
    follower: &mut Follower<'_>,
    processes: &[i64],
    counted: Going,
) -> Result<Going, Failure> {
    let mut gone = Going {
        executions: counted.executions,
        ..Going::default()
    };
    let mut sums = BTreeMap::new();
    let mut elsewhere = false;
    for id in processes {
        match purge(follower, ProcessId(*id)).await? {
            Some(rows) => add(&mut sums, rows),
            None => elsewhere = true,
        }
    }
    // Another engine keeps its own count; what was there before it began is what it removed.
    gone.rows = if elsewhere {
        counted.rows
    } else {
        sums.into_values().collect()
    };
    Ok(gone)
}

/// The rows removed, or nothing where another engine did it.
async fn purge(
    follower: &mut Follower<'_>,
    process: ProcessId,
) -> Result<Option<Vec<TableRows>>, Failure> {
    let mut asked = false;
    loop {
        if let Door::Engine(carril) = follower.door() {
            // The engine that was asked may have come to the end before it ended itself.
            let gone = asked && found::process(carril.history(), process).await?.is_none();
            return if gone {
                Ok(None)
            } else {
                Ok(Some(carril.engine().purge(process).await?.rows))
            };
        }
        match follower.ask(&Wish::Purge { process }).await? {
            Reply::NoEngine => follower.open_again().await?,
            Reply::Accepted(_) => {
                asked = true;
                if until_gone(follower, process).await? {
                    return Ok(None);
                }
                follower.open_again().await?;
            }
        }
    }
}

/// Waits until the process is gone; false when the engine that removes it has ended before.
async fn until_gone(follower: &Follower<'_>, process: ProcessId) -> Result<bool, Failure> {
    for _ in 0..LOOKS_MAX {
        if found::process(follower.door().history(), process)
            .await?
            .is_none()
        {
            return Ok(true);
        }
        if let Door::Mail(reader, _) = follower.door()
            && reader.engine() == EngineSeen::None
        {
            return Ok(false);
        }
        tokio::time::sleep(LOOK).await;
    }
    let message =
        format!("process {process} is still there although another engine agreed to purge it");
    Err(Failure::new(Exit::Refused, "CAR0810", message)
        .help("its log tells what went wrong; asking again goes on"))
}

fn question(processes: &[i64], going: &Going) -> String {
    format!(
        "purge {} with {}: removes {} and their history; they can no longer be shown, retried or counted",
        named(processes),
        number::of(going.executions, "execution", "executions"),
        told(&going.rows)
    )
}

/// `process 3`, `processes 3, 5`.
fn named(processes: &[i64]) -> String {
    let ids: Vec<String> = processes.iter().map(i64::to_string).collect();
    let word = if ids.len() == 1 {
        "process"
    } else {
        "processes"
    };
    format!("{word} {}", ids.join(", "))
}

fn tell(context: &Context, processes: &[i64], going: &Going, dry_run: bool) -> Result<(), Failure> {
    if context.output.json() {
        return context.output.line(&Shape {
            purged: processes,
            executions: going.executions,
            rows: rows(&going.rows),
            dry_run,
        });
    }
    let verb = if dry_run { "would purge" } else { "purged" };
    let mut line = format!(
        "{verb} {} with {}: {}",
        named(processes),
        number::of(going.executions, "execution", "executions"),
        told(&going.rows)
    );
    let undone = going.executions.saturating_sub(going.standing);
    if dry_run && undone > 0 {
        line = format!(
            "{line}; {} rolled back already",
            number::of(undone, "execution is", "executions are")
        );
    }
    context.output.data(&line)
}
