//! `carril retry`: the next run of executions that failed, were cancelled or were rolled back, followed to its end.

use crate::arguments::Retry;
use crate::command::control;
use crate::command::run::{How, WITH_RUN, finish, hand_back};
use crate::context::Context;
use crate::door::{self, Door, Place, Reply};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{End, Follower};
use crate::found;
use crate::meant::{Meant, confirm, named};
use crate::output::number;
use crate::summary::Summary;
use crate::view::View;
use carril::RetryPreview;
use carril::model::contract::{ExecutionRow, History, ProcessRow, Selection, Wish};
use carril::model::definition::Scope;
use carril::model::id::ProcessId;
use carril::model::load::suggestion;
use carril::model::plan::Plan;
use carril::model::state::{ExecutionState, ProcessState};
use std::time::Duration;

/// Retries.
pub(crate) async fn run(context: &Context, arguments: &Retry) -> Result<Exit, Failure> {
    let place = control::place(context)?;
    let store = place.store.clone();
    let reader = context.read(&store).await?;
    let meant = Meant::find(reader.history(), &arguments.targeted).await?;
    let from = arguments.from.as_deref();
    let again = again(reader.history(), &meant, from).await?;
    // Refused before anything is announced: nobody should read what will be done and then that it is not.
    let previews = preview(context, &place, &meant, from).await?;
    confirm(
        context,
        arguments.targeted.yes,
        &question(&meant, &again, previews.as_deref(), from),
    )?;
    let mut follower = Follower::open(context, place, View::new(&context.output)).await?;
    let result = retry(&mut follower, &meant, from).await;
    let settled = settled(&result);
    let closed = hand_back(context, &store, &mut follower, &settled).await;
    let ends = result?;
    let unfinished = closed?;
    let mut exit = Exit::Ok;
    for end in ends {
        let End::Settled(row) = end else {
            return Err(follower.stopped(WITH_RUN).await?);
        };
        let own = Exit::of(row.state);
        let history = follower.door().history();
        let summary = Summary::of(history, *row, context.now()).await?;
        let summary = summary.beside(&unfinished);
        exit = exit.max(finish(context, &store, &summary, How::Retried, own)?);
    }
    Ok(exit)
}

/// The executions of entities that would run again; none when only stages of a process itself would.
///
/// # Errors
/// `CAR0423` when there is nothing to retry, `CAR0424` when a step is named that a process has not.
async fn again<'a>(
    history: &dyn History,
    meant: &'a Meant,
    from: Option<&str>,
) -> Result<Vec<&'a ExecutionRow>, Failure> {
    let mut of_process_only = false;
    if let Some(name) = from {
        for process in &meant.processes {
            let plan = Plan::new(history.definition_of(process.id).await?);
            let step = plan
                .find(name)
                .ok_or_else(|| no_step(process, &plan, name))?;
            of_process_only |= plan.stage_of(step).per == Scope::Process;
        }
    }
    let everything = from.is_some() || matches!(meant.selection, Selection::Executions(_));
    let again = meant.of(|row| {
        !of_process_only && row.state.is_settled() && (everything || is_unsuccessful(row))
    });
    let own_again = meant
        .executions
        .iter()
        .any(|row| row.entity.is_none() && (of_process_only || is_unsuccessful(row)));
    if again.is_empty() && !own_again {
        return Err(nothing(meant));
    }
    Ok(again)
}

fn nothing(meant: &Meant) -> Failure {
    let unfinished = meant.of(|row| !row.state.is_settled());
    if let Some(first) = unfinished.first() {
        let message = format!(
            "{} of {} {} not ended yet, and only what has ended can run again",
            named(&unfinished),
            meant.where_it_is(),
            if unfinished.len() == 1 { "has" } else { "have" }
        );
        return Failure::new(Exit::Refused, "CAR0423", message).help(format!(
            "`carril why {}` tells what it waits for, `carril cancel {}` stops it",
            first.id, first.id
        ));
    }
    let undone = |process: &&ProcessRow| process.tally.rolled_back > 0;
    if let Some(process) = meant.processes.iter().find(undone) {
        let message = format!(
            "nothing of {} failed or was cancelled; {} rolled back",
            meant.where_it_is(),
            number::of(process.tally.rolled_back, "entity is", "entities are")
        );
        return Failure::new(Exit::Refused, "CAR0423", message).help(format!(
            "`carril retry {}` runs what was rolled back again, too",
            process.id
        ));
    }
    let message = format!(
        "nothing of {} failed, was cancelled or was rolled back, so there is nothing to retry",
        meant.where_it_is()
    );
    Failure::new(Exit::Refused, "CAR0423", message)
        .help("--from STAGE/STEP runs settled executions again from a step on")
}

fn no_step(process: &ProcessRow, plan: &Plan, name: &str) -> Failure {
    let known: Vec<&str> = plan.steps().iter().map(|step| step.path.as_str()).collect();
    let message = format!(
        "no step of process {} ({}) is called `{name}`",
        process.id, process.pipeline
    );
    Failure::new(Exit::Refused, "CAR0424", message).help(
        suggestion(name, known.iter().copied())
            .unwrap_or_else(|| format!("its steps are {}", known.join(", "))),
    )
}

/// What the engine says it would do, or why it would not. `None` when another engine has the store: only that one could say,
/// and it says so when it is asked to do it.
async fn preview(
    context: &Context,
    place: &Place,
    meant: &Meant,
    from: Option<&str>,
) -> Result<Option<Vec<RetryPreview>>, Failure> {
    let Door::Engine(carril) = door::open(context, place).await? else {
        return Ok(None);
    };
    let previews = carril.engine().retry_preview(&meant.selection, from).await;
    // The store is free again while somebody thinks about the question.
    carril.shutdown(Duration::ZERO).await?;
    Ok(Some(previews?))
}

fn question(
    meant: &Meant,
    again: &[&ExecutionRow],
    previews: Option<&[RetryPreview]>,
    from: Option<&str>,
) -> String {
    let head = if again.is_empty() {
        format!("run the stages of {} itself again", meant.where_it_is())
    } else {
        format!("run {} of {} again", named(again), meant.where_it_is())
    };
    let stages = previews.map_or_else(
        || {
            meant
                .processes
                .iter()
                .any(|process| process.own_state.is_some())
        },
        |previews| previews.iter().any(|preview| preview.process_stages),
    );
    let stages = if stages && !again.is_empty() {
        "; stages of the process itself run again after them"
    } else {
        ""
    };
    format!(
        "{head}, {}{stages}; {}",
        kept(again, previews, from),
        versions(&meant.processes)
    )
}

/// Where they begin, and what is kept of what they did: nothing of those that were rolled back.
fn kept(again: &[&ExecutionRow], previews: Option<&[RetryPreview]>, from: Option<&str>) -> String {
    let undone = again
        .iter()
        .filter(|row| row.state == ExecutionState::RolledBack)
        .count() as u64;
    if undone > 0 && undone == again.len() as u64 {
        return "from the beginning, as what they did was rolled back".to_owned();
    }
    let start = from.map_or_else(
        || "from what failed on".to_owned(),
        |from| format!("from {from} on"),
    );
    let kept = match previews.map(|previews| previews.iter().map(|one| one.steps_kept).sum()) {
        Some(0) => "nothing of before is kept".to_owned(),
        Some(steps) => format!(
            "{} before {} kept",
            number::of(steps, "step that succeeded", "steps that succeeded"),
            if steps == 1 { "is" } else { "are" }
        ),
        None => "what succeeded before is kept".to_owned(),
    };
    if undone == 0 {
        return format!("{start}; {kept}");
    }
    format!(
        "{start}; {kept}; {} rolled back and {} from the beginning",
        number::of(undone, "of them was", "of them were"),
        if undone == 1 { "runs" } else { "run" }
    )
}

/// Which version of the pipeline runs: the one that was launched, whatever became of its files.
fn versions(processes: &[ProcessRow]) -> String {
    let mut names: Vec<String> = processes
        .iter()
        .map(|process| process.version.short().to_owned())
        .collect();
    names.sort();
    names.dedup();
    let (word, was) = match processes.len() {
        1 => ("version", "it was"),
        _ => ("versions", "they were"),
    };
    format!(
        "with the pipeline as {was} launched ({word} {}), not as its files are now",
        names.join(", ")
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

/// Follows processes one after the other; they run at once. A paused one is not waited for: it goes on when somebody resumes it.
pub(crate) async fn follow_all(
    follower: &mut Follower<'_>,
    processes: &[ProcessId],
    how: &'static str,
) -> Result<Vec<End>, Failure> {
    let mut ends = Vec::new();
    for process in processes {
        let row = found::known_process(follower.door().history(), *process).await?;
        follower.view.begin(&row, how)?;
        // Undone as a whole it settles all the same.
        let waits = row.state == ProcessState::Paused && row.tally.rolled_back < row.tally.total;
        let end = if waits {
            End::Settled(Box::new(row))
        } else {
            follower.follow(*process).await?
        };
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
