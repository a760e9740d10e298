//! `carril prune`: forgets processes that are old and removes old workspaces, after it has told how many.
//!
//! Every engine does this by itself, at its start and every hour, as `[retention]` of the `carril.toml` says; the command is for
//! doing it now, or with other times.

use crate::arguments::Prune;
use crate::command::control;
use crate::context::Context;
use crate::door::{Door, Reply};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::Follower;
use crate::meant::confirm;
use crate::output::number;
use crate::view::View;
use carril::model::contract::{History, Older, ProcessFilter, Wish};
use carril::model::import::BY;
use carril::model::time::Timestamp;
use carril::{Pruned, Retention};
use serde::Serialize;

/// Processes read at once.
const PAGE: u32 = 1_000;

#[derive(Debug, Default, Serialize)]
struct Shape {
    processes: u64,
    workspaces: u64,
    kept: Vec<KeptShape>,
    /// Another engine does it; then nothing is counted yet.
    asked: bool,
}

#[derive(Debug, Serialize)]
struct KeptShape {
    process: i64,
    reason: String,
}

/// What is old, as far as the history tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    processes: u64,
    entities: u64,
    /// Processes whose workspaces go, and that are remembered.
    tidied: u64,
}

/// Prunes.
pub(crate) async fn run(context: &Context, arguments: &Prune) -> Result<Exit, Failure> {
    let settings = context.settings(None, &crate::arguments::Inputs::default())?;
    let kept = Retention {
        history: arguments
            .history
            .map_or(settings.retention.history, |age| age.0),
        workspaces: arguments
            .workspaces
            .map_or(settings.retention.workspaces, |age| age.0),
    };
    let older = kept.older(context.now());
    let place = control::place(context)?;
    let reader = context.read(&place.store).await?;
    let found = find(reader.history(), older).await?;
    let asked = question(&found);
    if found == Found::default() {
        context
            .output
            .talk("nothing that has settled is old enough");
        return tell(context, &Shape::default());
    }
    confirm(context, arguments.yes, &asked)?;
    let mut follower =
        Follower::open(context, place, View::for_one_answer(&context.output)).await?;
    let result = prune(&mut follower, older).await;
    let closed = follower.close().await;
    let shape = result?;
    closed?;
    tell(context, &shape)
}

async fn prune(follower: &mut Follower<'_>, older: Older) -> Result<Shape, Failure> {
    loop {
        if let Door::Engine(carril) = follower.door() {
            let pruned = carril.engine().prune(older).await?;
            return Ok(Shape::of(pruned));
        }
        match follower.ask(&Wish::Prune { older }).await? {
            Reply::NoEngine => follower.open_again().await?,
            Reply::Accepted(_) => {
                return Ok(Shape {
                    asked: true,
                    ..Shape::default()
                });
            }
        }
    }
}

impl Shape {
    fn of(pruned: Pruned) -> Self {
        let kept = pruned.kept.into_iter();
        let kept = kept.map(|(process, reason)| KeptShape {
            process: process.0,
            reason,
        });
        Self {
            processes: pruned.processes,
            workspaces: pruned.workspaces,
            kept: kept.collect(),
            asked: false,
        }
    }
}

fn tell(context: &Context, shape: &Shape) -> Result<Exit, Failure> {
    if context.output.json() {
        context.output.line(shape)?;
        return Ok(Exit::Ok);
    }
    for kept in &shape.kept {
        let KeptShape { process, reason } = kept;
        context
            .output
            .say(&format!("process {process} is old and stays: {reason}"));
    }
    let done = if shape.asked {
        "the engine that has the store removes it now".to_owned()
    } else {
        format!(
            "forgot {}, removed {}",
            number::of(shape.processes, "process", "processes"),
            number::of(shape.workspaces, "workspace", "workspaces")
        )
    };
    context.output.data(&done)?;
    Ok(Exit::Ok)
}

pub(crate) async fn find(history: &dyn History, older: Older) -> Result<Found, Failure> {
    let mut found = Found::default();
    let mut filter = ProcessFilter {
        max: PAGE,
        ..ProcessFilter::default()
    };
    loop {
        let page = history.processes(&filter).await?;
        let Some(last) = page.last() else {
            return Ok(found);
        };
        filter.before = Some(last.id);
        for row in &page {
            // What was imported is as old as its import.
            let imported = match row.launched_by.as_str() {
                BY => history.import_of(row.id).await?.map(|import| import.at),
                _ => None,
            };
            let is_older = |than: Option<Timestamp>| {
                imported
                    .or(row.ended_at)
                    .is_some_and(|ended| row.state.is_settled() && Some(ended) < than)
            };
            if is_older(older.history) {
                found.processes += 1;
                found.entities += row.tally.total;
            } else if is_older(older.workspaces) {
                found.tidied += 1;
            }
        }
    }
}

/// What is done with what is old, as a request; empty when nothing is.
pub(crate) fn question(found: &Found) -> String {
    let mut parts = Vec::new();
    if found.processes > 0 {
        parts.push(format!(
            "forget {} with {}: they can no longer be shown, retried or rolled back; what they published stays",
            number::of(found.processes, "process", "processes"),
            number::of(found.entities, "entity", "entities")
        ));
    }
    if found.tidied > 0 {
        parts.push(format!(
            "remove workspaces that {} may have left: a retry then begins with the first step",
            number::of(found.tidied, "process", "processes")
        ));
    }
    parts.join("; ")
}
