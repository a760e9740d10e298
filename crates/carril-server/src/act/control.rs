//! Cancel, pause, resume, retry, roll back, purge.

use super::meant::Meant;
use super::{Preview, done, none_named, open_of, previewed, previewed_open};
use crate::access::Caller;
use crate::app::App;
use crate::parameters::{Id, Parameters, body};
use crate::problem::Problem;
use crate::told::Told;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use carril::model::contract::{ExecutionRow, ProcessRow, Wish};
use carril::model::state::{ExecutionState, ProcessState};
use serde::Deserialize;
use utoipa::ToSchema;

/// What to cancel, and why.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Cancel {
    /// Only these entities of the process; all without any.
    entities: Vec<String>,
    /// Why, for people; who cancelled it by default.
    reason: Option<String>,
}

/// What to run again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Retry {
    /// Only these entities of the process.
    entities: Vec<String>,
    /// Only what failed or was cancelled, of a process; otherwise what was rolled back, too.
    failed: bool,
    /// From this step on, as `stage/step`: also what succeeded.
    from: Option<String>,
}

/// What to roll back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RollBack {
    /// Only these entities of the process; all without any.
    entities: Vec<String>,
    /// Only what failed or was cancelled.
    failed: bool,
}

/// Stops a process, or some of it.
pub(crate) async fn cancel_process(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    parameters: Parameters,
    bytes: Bytes,
) -> Result<Told, Problem> {
    let cancel: Cancel = body(&bytes)?;
    let meant = Meant::of_process(&app, id, &cancel.entities, false).await?;
    stop(&app, &caller, &meant, cancel, parameters.switch("preview")?).await
}

/// Stops an execution.
pub(crate) async fn cancel_execution(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    parameters: Parameters,
    bytes: Bytes,
) -> Result<Told, Problem> {
    let cancel: Cancel = body(&bytes)?;
    none_named(&cancel.entities)?;
    let meant = Meant::of_execution(&app, id).await?;
    stop(&app, &caller, &meant, cancel, parameters.switch("preview")?).await
}

/// Runs what failed of a process again.
pub(crate) async fn retry_process(
    State(app): State<App>,
    Id(id): Id,
    parameters: Parameters,
    bytes: Bytes,
) -> Result<Told, Problem> {
    let retry: Retry = body(&bytes)?;
    let meant = Meant::of_process(&app, id, &retry.entities, retry.failed).await?;
    again(&app, meant, retry, parameters.switch("preview")?).await
}

/// Runs an execution again.
pub(crate) async fn retry_execution(
    State(app): State<App>,
    Id(id): Id,
    parameters: Parameters,
    bytes: Bytes,
) -> Result<Told, Problem> {
    let retry: Retry = body(&bytes)?;
    none_named(&retry.entities)?;
    let meant = Meant::of_execution(&app, id).await?;
    again(&app, meant, retry, parameters.switch("preview")?).await
}

/// Removes what executions of a process left on their targets.
pub(crate) async fn roll_back_process(
    State(app): State<App>,
    Id(id): Id,
    parameters: Parameters,
    bytes: Bytes,
) -> Result<Told, Problem> {
    let which: RollBack = body(&bytes)?;
    let meant = Meant::of_process(&app, id, &which.entities, which.failed).await?;
    undo(&app, meant, parameters.switch("preview")?).await
}

/// Removes what an execution left on its targets.
pub(crate) async fn roll_back_execution(
    State(app): State<App>,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Told, Problem> {
    let meant = Meant::of_execution(&app, id).await?;
    undo(&app, meant, parameters.switch("preview")?).await
}

/// Begins nothing more of a process.
pub(crate) async fn pause(
    State(app): State<App>,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Told, Problem> {
    let meant = Meant::of_process(&app, id, &[], false).await?;
    let process = &meant.process;
    let may = matches!(process.state, ProcessState::Running | ProcessState::Paused);
    if !may || process.cancelling.is_some() {
        return Err(wrong_state("CAR0430", process, "be paused"));
    }
    if parameters.switch("preview")? {
        let message = "what runs would be finished, the rest would wait";
        return previewed_open(&app, &meant, message).await;
    }
    let process = process.id;
    done(&app, Wish::Pause { process }).await
}

/// Goes on with a paused process.
pub(crate) async fn resume(
    State(app): State<App>,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Told, Problem> {
    let meant = Meant::of_process(&app, id, &[], false).await?;
    let process = &meant.process;
    if !matches!(process.state, ProcessState::Running | ProcessState::Paused) {
        return Err(wrong_state("CAR0431", process, "be resumed"));
    }
    if parameters.switch("preview")? {
        return previewed_open(&app, &meant, "what waits would go on").await;
    }
    let process = process.id;
    done(&app, Wish::Resume { process }).await
}

/// Removes a settled process with everything under it.
pub(crate) async fn purge(
    State(app): State<App>,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Told, Problem> {
    let meant = Meant::of_process(&app, id, &[], false).await?;
    let process = meant.process.id;
    if !meant.process.state.is_settled() {
        let problem = wrong_state("CAR0440", &meant.process, "be purged");
        return Err(problem.help("cancel it first"));
    }
    if parameters.switch("preview")? {
        let rows = meant.executions(&app).await?;
        let all: Vec<&ExecutionRow> = rows.iter().collect();
        let mut preview = Preview::of(&all);
        if let Some(engine) = app.house.engine() {
            // Nothing to roll back is nothing to remove from targets, and the process goes all the same.
            if let Ok(report) = engine.rollback_preview(&meant.selection).await {
                preview = preview.removing(&report.rows);
            }
        }
        let message = "it would be removed, with all that is known of it";
        return Ok(previewed(vec![process.0], message, preview));
    }
    done(&app, Wish::Purge { process }).await
}

async fn stop(
    app: &App,
    caller: &Caller,
    meant: &Meant,
    cancel: Cancel,
    preview: bool,
) -> Result<Told, Problem> {
    let rows = meant.executions(app).await?;
    let open = open_of(&rows);
    let is_open = meant.is_whole() && !meant.process.state.is_settled();
    if open.is_empty() && !is_open {
        let detail = "all of it has ended, so there is nothing to cancel";
        return Err(Problem::of_code("CAR0422", detail));
    }
    if preview {
        let message = "these would be stopped; what is done stays done";
        let processes = vec![meant.process.id.0];
        return Ok(previewed(processes, message, Preview::of(&open)));
    }
    let by = || format!("cancelled by {}", caller.name);
    let wish = Wish::Cancel {
        selection: meant.selection.clone(),
        reason: cancel.reason.unwrap_or_else(by),
    };
    done(app, wish).await
}

async fn again(app: &App, meant: Meant, retry: Retry, preview: bool) -> Result<Told, Problem> {
    let selection = meant.selection.clone();
    if !preview {
        let from = retry.from;
        return done(app, Wish::Retry { selection, from }).await;
    }
    let rows = meant.executions(app).await?;
    let everything = retry.from.is_some() || !meant.is_whole();
    let again = |row: &&ExecutionRow| {
        row.state.is_settled()
            && (everything
                || matches!(
                    row.state,
                    ExecutionState::Failed | ExecutionState::Cancelled | ExecutionState::RolledBack
                ))
    };
    let mut told = Preview::of(&rows.iter().filter(again).collect::<Vec<_>>());
    if let Some(engine) = app.house.engine() {
        let previews = engine
            .retry_preview(&selection, retry.from.as_deref())
            .await?;
        told.executions = previews.iter().map(|one| one.executions).sum();
        told.steps_kept = Some(previews.iter().map(|one| one.steps_kept).sum());
        told.process_stages = Some(previews.iter().any(|one| one.process_stages));
    }
    let own_again = rows.iter().any(|row| row.entity.is_none() && again(&row));
    if told.executions == 0 && !own_again && told.process_stages != Some(true) {
        let detail = "nothing of it failed, was cancelled or was rolled back and has ended";
        return Err(Problem::of_code("CAR0423", detail));
    }
    let processes = vec![meant.process.id.0];
    Ok(previewed(processes, "these would run again", told))
}

async fn undo(app: &App, meant: Meant, preview: bool) -> Result<Told, Problem> {
    let selection = meant.selection.clone();
    if !preview {
        return done(app, Wish::RollBack { selection }).await;
    }
    let rows = meant.executions(app).await?;
    let undone = |row: &&ExecutionRow| row.state != ExecutionState::RolledBack;
    let mut told = Preview::of(&rows.iter().filter(undone).collect::<Vec<_>>());
    if let Some(engine) = app.house.engine() {
        let report = engine.rollback_preview(&selection).await?;
        told.executions = report.executions;
        told.process_stages = Some(report.process_stages);
        told = told.removing(&report.rows);
    }
    let processes = vec![meant.process.id.0];
    let message = "what these left on their targets would be removed";
    Ok(previewed(processes, message, told))
}

fn wrong_state(code: &str, process: &ProcessRow, what: &str) -> Problem {
    let state = process.state;
    let detail = format!("process {} is {state}, so it cannot {what}", process.id);
    Problem::of_code(code, detail)
}
