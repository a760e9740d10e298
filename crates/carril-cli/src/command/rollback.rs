//! `carril rollback`: removes all that executions published and their workspaces, after it has told what that is.

use crate::arguments::Rollback;
use crate::command::control;
use crate::command::retry::follow_all;
use crate::command::run::WITH_RUN;
use crate::command::show::changed;
use crate::context::Context;
use crate::door::{Door, Place, Reply};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{End, Follower};
use crate::meant::{Meant, confirm, named};
use crate::output::number;
use crate::view::View;
use carril::EngineError;
use carril::model::contract::{ExecutionRow, History, ProcessRow, TableRows, Whose, Wish};
use carril::model::state::ExecutionState;
use carril::shape::{RowsShape, rows};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Serialize)]
struct Shape<'a> {
    rolled_back: u64,
    rows: Vec<RowsShape<'a>>,
    processes: Vec<ProcessState>,
}

#[derive(Debug, Serialize)]
struct ProcessState {
    id: i64,
    state: &'static str,
}

/// Rolls back.
pub(crate) async fn run(context: &Context, arguments: &Rollback) -> Result<Exit, Failure> {
    let place = control::place(context)?;
    let reader = context.read(&place.store).await?;
    let meant = Meant::find(reader.history(), &arguments.targeted).await?;
    let undone = meant.of(|row| row.state != ExecutionState::RolledBack);
    if undone.is_empty() {
        let message = format!(
            "everything meant of {} is rolled back already",
            meant.where_it_is()
        );
        return Err(Failure::new(Exit::Refused, "CAR0427", message));
    }
    refuse_while_stages_run(&meant)?;
    let removed = preview(context, reader.history(), &place, &meant).await?;
    confirm(
        context,
        arguments.targeted.yes,
        &question(&meant, &undone, &removed),
    )?;
    let mut follower =
        Follower::open(context, place, View::for_one_answer(&context.output)).await?;
    let result = roll_back(&mut follower, &meant, &removed).await;
    let closed = follower.close().await;
    let (removed, ends) = result?;
    closed?;
    tell(context, &follower, undone.len() as u64, &removed, ends).await?;
    Ok(Exit::Ok)
}

async fn tell(
    context: &Context,
    follower: &Follower<'_>,
    executions: u64,
    removed: &[TableRows],
    ends: Vec<End>,
) -> Result<(), Failure> {
    let mut processes = Vec::new();
    for end in ends {
        let End::Settled(row) = end else {
            return Err(follower.stopped(WITH_RUN).await?);
        };
        processes.push(ProcessState {
            id: row.id.0,
            state: row.state.name(),
        });
    }
    if context.output.json() {
        let shape = Shape {
            rolled_back: executions,
            rows: rows(removed),
            processes,
        };
        return context.output.line(&shape);
    }
    let done = number::of(executions, "execution", "executions");
    let mut lines = vec![format!("rolled back {done}: {}", told(removed))];
    lines.extend(
        processes
            .iter()
            .map(|process| format!("process {} is {}", process.id, process.state)),
    );
    context.output.data(&lines.join("\n"))
}

/// The engine refuses this too; here it is told before anybody is asked.
fn refuse_while_stages_run(meant: &Meant) -> Result<(), Failure> {
    let runs = |process: &&ProcessRow| process.own_state == Some(ExecutionState::Running);
    match meant.processes.iter().find(runs) {
        Some(process) if !meant.has_own() => {
            let message = format!(
                "a stage of process {} itself is running and reads what its lanes left",
                process.id
            );
            Err(Failure::new(Exit::Refused, "CAR0428", message)
                .help("roll back when it has ended, or the whole process"))
        }
        _ => Ok(()),
    }
}

/// Counts what would go, per table; changes nothing.
pub(super) async fn preview(
    context: &Context,
    history: &dyn History,
    place: &Place,
    meant: &Meant,
) -> Result<Vec<TableRows>, Failure> {
    let targets = context.targets(&place.store);
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for process in &meant.processes {
        let definition = history.definition_of(process.id).await?;
        let Some(workspace) = &definition.workspace else {
            continue;
        };
        let Some(url) = process.targets.get(&workspace.target) else {
            continue;
        };
        let failed = |error| {
            Failure::from(EngineError::Target {
                name: workspace.target.clone(),
                error,
            })
        };
        let target = targets.open(&workspace.target, url).map_err(failed)?;
        let stands = |row: &&ExecutionRow| {
            row.process == process.id && row.state != ExecutionState::RolledBack
        };
        for row in meant.executions.iter().filter(stands) {
            let whose = Whose {
                process: row.process,
                execution: row.id,
            };
            for counted in target
                .preview_rollback(&definition, whose)
                .await
                .map_err(failed)?
            {
                *sums.entry(counted.table).or_insert(0) += counted.deleted;
            }
        }
    }
    let rows = |(table, deleted)| TableRows {
        table,
        inserted: 0,
        updated: 0,
        deleted,
    };
    Ok(sums.into_iter().map(rows).collect())
}

fn question(meant: &Meant, undone: &[&ExecutionRow], removed: &[TableRows]) -> String {
    let running = undone.iter().filter(|row| !row.state.is_settled()).count() as u64;
    let stop = if running > 0 {
        format!(
            "; {} stopped first",
            number::of(running, "of them runs and is", "of them run and are")
        )
    } else {
        String::new()
    };
    let has_own = |process: &ProcessRow| process.own_state.is_some_and(|state| state.is_settled());
    let stages = if !meant.has_own() && meant.processes.iter().any(has_own) {
        "; stages of the process itself run again without them"
    } else {
        ""
    };
    format!(
        "roll back {} of {}: removes {}{stop}{stages}",
        named(undone),
        meant.where_it_is(),
        told(removed)
    )
}

/// `12 rows: report_rows -9, ipa_cash -3`.
pub(super) fn told(removed: &[TableRows]) -> String {
    let rows: u64 = removed.iter().map(|table| table.deleted).sum();
    let tables: Vec<String> = removed
        .iter()
        .filter(|table| table.deleted > 0)
        .map(changed)
        .collect();
    let what = number::of(rows, "row", "rows");
    if tables.is_empty() {
        what
    } else {
        format!("{what} ({})", tables.join(", "))
    }
}

async fn roll_back(
    follower: &mut Follower<'_>,
    meant: &Meant,
    counted: &[TableRows],
) -> Result<(Vec<TableRows>, Vec<End>), Failure> {
    let processes: Vec<_> = meant.processes.iter().map(|process| process.id).collect();
    loop {
        if let Door::Engine(carril) = follower.door() {
            let report = carril.engine().roll_back(meant.selection.clone()).await?;
            let ends = follow_all(follower, &processes, "rolled_back").await?;
            return Ok((report.rows, ends));
        }
        match follower
            .ask(&Wish::RollBack {
                selection: meant.selection.clone(),
            })
            .await?
        {
            Reply::NoEngine => follower.open_again().await?,
            Reply::Accepted(_) => {
                control::until(follower, &meant.executions, |row| {
                    row.state == ExecutionState::RolledBack
                })
                .await?;
                let ends = follow_all(follower, &processes, "rolled_back").await?;
                // The other engine keeps its own count; what was there before it began is what it removed.
                return Ok((counted.to_vec(), ends));
            }
        }
    }
}
