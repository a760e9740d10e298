//! Guard rails between processes: a version that fails too much is not launched, and when a process has settled its version and its
//! pace are looked at.
//!
//! What is bad or slow is decided in the model, from what the store says at that moment; nothing is remembered here. A look
//! that fails stops nothing: the next launch and the next settlement look again.

use crate::error::Error;
use crate::event::{Event, Rail};
use crate::shared::Core;
use carril_model::baseline::{self, PastRun, RUNS_MAX};
use carril_model::contract::{Fault, Launch, Launched, ProcessRow};
use carril_model::definition::Version;
use carril_model::guard::{self, OTHERS_MAX, RULE, Refusal};
use carril_model::id::ProcessId;
use carril_model::process;
use std::sync::Arc;

/// Refuses a launch of a version of which too much has failed, unless a process that is there answers it anyway.
///
/// # Errors
/// `CAR0450`; else as [`Error`].
pub(crate) async fn check_version(core: &Core, launch: &Launch) -> Result<(), Error> {
    let (pipeline, version) = (&launch.pipeline, &launch.version);
    let Some(refusal) = refusal(core, pipeline, version).await? else {
        return Ok(());
    };
    if let Some(Launched::Repeated(_) | Launched::Skipped(_)) = core.store.answered(launch).await? {
        return Ok(());
    }
    let message = format!("`{}` is not launched: {refusal}", launch.pipeline);
    tell(core, Rail::BadVersion, None, &launch.pipeline, &message);
    Err(Error::refused("CAR0450", message))
}

/// Says that a launch goes ahead although its version would be refused.
///
/// # Errors
/// As the store.
pub(crate) async fn tell_despite(core: &Core, launch: &Launch) -> Result<(), Error> {
    if let Some(refusal) = refusal(core, &launch.pipeline, &launch.version).await? {
        let message = format!("`{}` is launched despite: {refusal}", launch.pipeline);
        tell(core, Rail::BadVersion, None, &launch.pipeline, &message);
    }
    Ok(())
}

async fn refusal(core: &Core, pipeline: &str, version: &Version) -> Result<Option<Refusal>, Fault> {
    // Nearly every version is good, and then nobody needs to count more.
    let failed = core.store.early_failures(pipeline, version).await?;
    if !guard::could_be_bad(RULE, failed) {
        return Ok(None);
    }
    let own = core.store.versions(pipeline, version, 0).await?;
    if guard::refusal(&own, version).is_none() {
        return Ok(None);
    }
    let records = core.store.versions(pipeline, version, OTHERS_MAX).await?;
    Ok(guard::refusal(&records, version))
}

/// A process is being stopped by its own `abort_when`, if that is what stops it.
pub(crate) fn tell_abort(core: &Core, row: &ProcessRow) {
    if let Some(reason) = process::aborted(row) {
        let message = format!("process {} is stopped: {reason}", row.id);
        tell(core, Rail::AbortWhen, Some(row.id), &row.pipeline, &message);
    }
}

/// A process has settled: tells when its version is refused from now on, and when its pipeline has become slow.
pub(crate) async fn look_at_settled(core: Arc<Core>, row: ProcessRow) {
    if let Err(fault) = look(&core, &row).await {
        tracing::debug!(%fault, process = row.id.0, "guard rails could not be looked at");
    }
}

async fn look(core: &Core, row: &ProcessRow) -> Result<(), Fault> {
    let (pipeline, version) = (&row.pipeline, &row.version);
    if let Some(refusal) = refusal(core, pipeline, version).await? {
        let message = format!("`{pipeline}` is not launched any more: {refusal}");
        tell(core, Rail::BadVersion, Some(row.id), pipeline, &message);
    }
    let kept = core.store.baselines(Some(pipeline), 1).await?;
    let Some(kept) = kept.first() else {
        return Ok(());
    };
    let runs = core.store.past_runs(pipeline, kept.process, RUNS_MAX);
    let runs = runs.await?;
    // A process that is too small or too large says nothing about the pace.
    let counts = |run: &PastRun| run.process == row.id && baseline::ratio(kept, run).is_some();
    let told = baseline::compare(kept, &runs, core.clock.now());
    if runs.iter().any(counts) && told.is_alert() {
        let message = format!("`{pipeline}` is slow: {told}");
        tell(core, Rail::Baseline, Some(row.id), pipeline, &message);
    }
    Ok(())
}

fn tell(core: &Core, rail: Rail, process: Option<ProcessId>, pipeline: &str, message: &str) {
    let about = process.map(|process| process.0);
    tracing::warn!(rail = rail.name(), process = about, pipeline, "{message}");
    core.emit(|| Event::Alert {
        rail,
        process,
        pipeline: pipeline.to_owned(),
        message: message.to_owned(),
        at: core.clock.now(),
    });
}
