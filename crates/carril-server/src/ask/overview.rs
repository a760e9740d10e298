//! How the whole store is: what its unfinished processes are at, and which of them are late. From kept counters of processes, so that
//! it costs the same whatever there was before them.

use crate::app::App;
use crate::problem::Problem;
use crate::told::Told;
use axum::extract::State;
use carril::model::baseline::{self, PastRun};
use carril::model::contract::{ProcessFilter, ProcessRow};
use carril::model::state::ProcessState;
use carril::model::time::Timestamp;
use carril::shape::worked;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Unfinished processes that are looked at, the newest.
const PROCESSES_MAX: u32 = 200;
/// Unfinished processes of which it is asked whether they are late: that takes more than counting.
const REPORTED_MAX: usize = 20;

/// How the store is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Overview {
    /// Processes that are running.
    running: u64,
    /// Processes that are paused.
    paused: u64,
    /// Whether there are more unfinished processes than were looked at, 200.
    more: bool,
    /// Their unsettled executions by what they are at.
    #[schema(value_type = BTreeMap<String, u64>)]
    causes: BTreeMap<&'static str, u64>,
    /// Their executions that failed.
    failed: u64,
    /// Those of the newest 20 that run longer than their goal or their baseline allows.
    late: Vec<Late>,
}

/// A process that is late.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Late {
    process: i64,
    pipeline: String,
    /// `goal` or `baseline`.
    than: &'static str,
}

/// Tells how the store is.
pub(crate) async fn overview(State(app): State<App>) -> Result<Told, Problem> {
    let filter = ProcessFilter {
        states: vec![ProcessState::Running, ProcessState::Paused],
        max: PROCESSES_MAX + 1,
        ..ProcessFilter::default()
    };
    let found = app.history().processes(&filter).await?;
    let (rows, more) = super::cut(found, PROCESSES_MAX);
    let in_state = |state| rows.iter().filter(|row| row.state == state).count() as u64;
    let mut causes = BTreeMap::new();
    for row in &rows {
        for (cause, count) in app.history().causes(row.id).await? {
            *causes.entry(cause.name()).or_default() += count;
        }
    }
    let (mut late, now) = (Vec::new(), app.now());
    for row in rows.iter().take(REPORTED_MAX) {
        late.extend(lateness(&app, row, now).await?);
    }
    Ok(Told::ok(&Overview {
        running: in_state(ProcessState::Running),
        paused: in_state(ProcessState::Paused),
        more,
        causes,
        failed: rows.iter().map(|row| row.tally.failed).sum(),
        late,
    }))
}

async fn lateness(app: &App, row: &ProcessRow, now: Timestamp) -> Result<Option<Late>, Problem> {
    let history = app.history();
    let worked_micros = worked(history, row, now).await?;
    let goal = history.definition_of(row.id).await?.goal;
    let baseline = history.baselines(Some(&row.pipeline), 1).await?.pop();
    // As if it ended now: it can only become later.
    let run = PastRun {
        process: row.id,
        ended_at: now,
        entities: row.tally.total,
        worked_micros,
    };
    let ratio = baseline.and_then(|baseline| baseline::ratio(&baseline, &run));
    let than = if goal
        .duration_micros
        .is_some_and(|most| worked_micros > most)
    {
        "goal"
    } else if ratio.is_some_and(baseline::is_slow) {
        "baseline"
    } else {
        return Ok(None);
    };
    Ok(Some(Late {
        process: row.id.0,
        pipeline: row.pipeline.clone(),
        than,
    }))
}
