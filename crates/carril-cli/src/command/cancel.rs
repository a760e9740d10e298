//! `carril cancel`: stops processes or executions, through the engine that runs them or as the store's engine.

use crate::arguments::Cancel;
use crate::command::control;
use crate::context::Context;
use crate::door::{Door, Reply};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{End, Follower};
use crate::found;
use crate::meant::{Meant, confirm, named};
use crate::view::View;
use carril::model::contract::{Selection, Wish};
use carril::shape::ProcessShape;
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Shape<'a> {
    cancelled: u64,
    processes: Vec<ProcessShape<'a>>,
}

/// Cancels.
pub(crate) async fn run(context: &Context, arguments: &Cancel) -> Result<Exit, Failure> {
    let place = control::place(context)?;
    let reader = context.read(&place.store).await?;
    let meant = Meant::find(reader.history(), &arguments.targeted).await?;
    let unsettled = meant.of(|row| !row.state.is_settled());
    let is_open = meant
        .processes
        .iter()
        .any(|process| !process.state.is_settled());
    if unsettled.is_empty() && !is_open {
        let message = format!(
            "nothing of {} is unfinished, so there is nothing to cancel",
            meant.where_it_is()
        );
        return Err(Failure::new(Exit::Refused, "CAR0422", message));
    }
    let what = format!(
        "cancel {} of {}: what is done stays done",
        named(&unsettled),
        meant.where_it_is()
    );
    confirm(context, arguments.targeted.yes, &what)?;
    let mut follower =
        Follower::open(context, place, View::for_one_answer(&context.output)).await?;
    let result = cancel(context, &mut follower, &meant).await;
    let closed = follower.close().await;
    result?;
    closed?;
    let now = context.now();
    let mut rows = Vec::new();
    for process in &meant.processes {
        rows.push(found::known_process(reader.history(), process.id).await?);
    }
    let rows = found::with_worked(reader.history(), rows, now).await?;
    if context.output.json() {
        let processes = ProcessShape::all(&rows);
        context.output.line(&Shape {
            cancelled: unsettled.len() as u64,
            processes,
        })?;
    } else {
        for (row, _) in &rows {
            context
                .output
                .data(&format!("process {} is {}", row.id, row.state))?;
        }
    }
    Ok(Exit::Ok)
}

async fn cancel(
    context: &Context,
    follower: &mut Follower<'_>,
    meant: &Meant,
) -> Result<(), Failure> {
    let selection = as_cancelled(meant);
    let reason = format!("cancelled by {}", context.surroundings.user);
    loop {
        if let Door::Engine(carril) = follower.door() {
            carril.engine().cancel(selection.clone(), &reason).await?;
            // Only the whole process settles by this; of one that has other work left nothing runs here.
            if let Selection::Process(process) = &selection {
                return settled(&follower.follow(*process).await?);
            }
            return Ok(());
        }
        let wish = Wish::Cancel {
            selection: selection.clone(),
            reason: reason.clone(),
        };
        match follower.ask(&wish).await? {
            Reply::NoEngine => follower.open_again().await?,
            Reply::Accepted(_) => {
                if let Selection::Process(process) = &selection {
                    return settled(&follower.follow(*process).await?);
                }
                return control::until(follower, &meant.executions, |row| row.state.is_settled())
                    .await;
            }
        }
    }
}

/// The unsuccessful of a process are settled; whoever cancels them means those that are not.
fn as_cancelled(meant: &Meant) -> Selection {
    match &meant.selection {
        Selection::Unsuccessful(process) => Selection::Process(*process),
        other => other.clone(),
    }
}

fn settled(end: &End) -> Result<(), Failure> {
    match end {
        End::Settled(_) => Ok(()),
        End::Interrupted => Err(crate::follow::interrupted(
            "it is being cancelled all the same",
        )),
    }
}
