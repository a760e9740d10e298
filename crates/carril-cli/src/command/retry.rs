//! `carril retry`: the next run of executions that failed, were cancelled or were rolled back, followed to its end.

use crate::arguments::Retry;
use crate::command::control;
use crate::command::run::{How, finish, hand_back, stopped};
use crate::context::Context;
use crate::door::{Door, Reply};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{End, Follower};
use crate::found;
use crate::meant::{Meant, confirm, named};
use crate::summary::Summary;
use crate::view::View;
use carril::model::contract::{ExecutionRow, Selection, Wish};
use carril::model::id::ProcessId;
use carril::model::state::ExecutionState;

/// Retries.
pub(crate) async fn run(context: &Context, arguments: &Retry) -> Result<Exit, Failure> {
    let place = control::place(context)?;
    let store = place.store.clone();
    let reader = context.read(&store).await?;
    let meant = Meant::find(reader.history(), &arguments.targeted).await?;
    let everything =
        arguments.from.is_some() || matches!(meant.selection, Selection::Executions(_));
    let again = meant.of(|row| row.state.is_settled() && (everything || is_unsuccessful(row)));
    let own_failed = meant
        .executions
        .iter()
        .any(|row| row.entity.is_none() && is_unsuccessful(row));
    if again.is_empty() && !own_failed {
        let message = format!(
            "nothing of {} failed, was cancelled or was rolled back, so there is nothing to retry",
            meant.where_it_is()
        );
        return Err(Failure::new(Exit::Refused, "CAR0423", message)
            .help("--from STAGE/STEP runs settled executions again from a step on"));
    }
    confirm(
        context,
        arguments.targeted.yes,
        &question(&meant, &again, arguments),
    )?;
    let mut follower = Follower::open(context, place, View::new(&context.output)).await?;
    let result = retry(&mut follower, &meant, arguments.from.as_deref()).await;
    let settled = settled(&result);
    let closed = hand_back(context, &store, &mut follower, &settled).await;
    let ends = result?;
    let unfinished = closed?;
    let mut exit = Exit::Ok;
    for end in ends {
        let End::Settled(row) = end else {
            return Err(stopped(&follower));
        };
        let own = Exit::of(row.state);
        let history = follower.door().history();
        let summary = Summary::of(history, *row, context.now()).await?;
        let summary = summary.beside(&unfinished);
        exit = exit.max(finish(context, &store, &summary, How::Retried, own)?);
    }
    Ok(exit)
}

fn question(meant: &Meant, again: &[&ExecutionRow], arguments: &Retry) -> String {
    let from = arguments.from.as_ref().map_or_else(
        || "from what failed on, what succeeded is kept".to_owned(),
        |from| format!("from {from} on, what came before is kept"),
    );
    let stages = if meant
        .processes
        .iter()
        .any(|process| process.own_state.is_some())
    {
        "; stages of the process itself run again after them"
    } else {
        ""
    };
    format!(
        "run {} of {} again, {from}{stages}",
        named(again),
        meant.where_it_is()
    )
}

const fn is_unsuccessful(row: &ExecutionRow) -> bool {
    matches!(
        row.state,
        ExecutionState::Failed | ExecutionState::Cancelled | ExecutionState::RolledBack
    )
}

async fn retry(
    follower: &mut Follower<'_>,
    meant: &Meant,
    from: Option<&str>,
) -> Result<Vec<End>, Failure> {
    let processes = loop {
        if let Door::Engine(carril) = follower.door() {
            break carril.engine().retry(meant.selection.clone(), from).await?;
        }
        let wish = Wish::Retry {
            selection: meant.selection.clone(),
            from: from.map(str::to_owned),
        };
        match follower.ask(&wish).await? {
            Reply::NoEngine => follower.open_again().await?,
            Reply::Accepted(processes) => break processes,
        }
    };
    follow_all(follower, &processes, "retried").await
}

/// Follows processes one after the other; they run at once.
pub(crate) async fn follow_all(
    follower: &mut Follower<'_>,
    processes: &[ProcessId],
    how: &'static str,
) -> Result<Vec<End>, Failure> {
    let mut ends = Vec::new();
    for process in processes {
        let row = found::known_process(follower.door().history(), *process).await?;
        follower.view.begin(&row, how)?;
        let end = follower.follow(*process).await?;
        let is_over = matches!(end, End::Interrupted);
        ends.push(end);
        if is_over {
            break;
        }
    }
    Ok(ends)
}

/// The processes that were followed to their end, if all were.
fn settled(result: &Result<Vec<End>, Failure>) -> Vec<ProcessId> {
    let ends = result.as_deref().unwrap_or_default();
    let ids: Option<Vec<ProcessId>> = ends
        .iter()
        .map(|end| match end {
            End::Settled(row) => Some(row.id),
            End::Interrupted => None,
        })
        .collect();
    ids.unwrap_or_default()
}
