//! Swim-lanes as programs read them: the lanes of a page with their attempts and single waits, each with who held what was waited for.
//!
//! What is in them is decided by [`crate::swimlanes`]; here they only get the shape that is documented.

use super::{CauseShape, is_open, rfc3339};
use crate::swimlanes::{Lane, Wait};
use carril_model::contract::AttemptRow;
use carril_model::time::Timestamp;
use serde::Serialize;

/// One lane: an execution, its attempts and its single waits.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LaneShape<'a> {
    execution: i64,
    entity: Option<&'a str>,
    state: &'static str,
    run: u32,
    rolling_back: bool,
    cancelling: bool,
    /// What its time is being spent on, unless it is over.
    cause: Option<CauseShape<'a>>,
    launched_at: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    /// Attempts that were begun; not those taken over from an earlier run.
    steps: Vec<LaneStepShape<'a>>,
    /// Waits of at least 10 ms that are over, and those for locks while they go on.
    waits: Vec<LaneWaitShape<'a>>,
}

/// An attempt of a step.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LaneStepShape<'a> {
    stage: &'a str,
    step: &'a str,
    run: u32,
    attempt: u32,
    state: &'static str,
    began: String,
    ended: Option<String>,
    /// Resources that the step names, else the tables it changed.
    resources: &'a [String],
}

/// A wait.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LaneWaitShape<'a> {
    cause: &'a str,
    /// The resource, target or table that it was for.
    about: Option<&'a str>,
    /// `stage/step`.
    step: Option<&'a str>,
    began: String,
    micros: i64,
    /// The execution that held what it waited for, where that is known.
    holder: Option<i64>,
    /// When the holder gave it up.
    released_at: Option<String>,
    /// Who held the lock that it waited for, in words.
    blocker: Option<&'a str>,
}

impl<'a> From<&'a Lane> for LaneShape<'a> {
    fn from(lane: &'a Lane) -> Self {
        let row = &lane.row;
        let cause = || CauseShape::of(row.account.cause(), row.account.since());
        let begun = lane.attempts.iter();
        let begun = begun.filter(|row| row.attempt > 0 && row.carried_from.is_none());
        Self {
            execution: row.id.0,
            entity: row.entity.as_deref(),
            state: row.state.name(),
            run: row.run.0,
            rolling_back: row.rolling_back,
            cancelling: row.cancelling,
            cause: is_open(row).then(cause),
            launched_at: rfc3339(row.launched_at),
            started_at: row.started_at.map(rfc3339),
            ended_at: row.ended_at.map(rfc3339),
            steps: begun
                .map(|attempt| LaneStepShape::of(attempt, lane.resources(attempt)))
                .collect(),
            waits: lane.waits.iter().map(LaneWaitShape::from).collect(),
        }
    }
}

impl<'a> LaneStepShape<'a> {
    fn of(row: &'a AttemptRow, resources: &'a [String]) -> Self {
        Self {
            stage: &row.stage,
            step: &row.step,
            run: row.run.0,
            attempt: row.attempt,
            state: row.state.name(),
            began: rfc3339(row.began),
            ended: row.ended.map(rfc3339),
            resources,
        }
    }
}

impl<'a> From<&'a Wait> for LaneWaitShape<'a> {
    fn from(wait: &'a Wait) -> Self {
        let holder = wait.holder;
        Self {
            cause: &wait.cause,
            about: wait.about.as_deref(),
            step: wait.step.as_deref(),
            began: rfc3339(Timestamp(wait.began)),
            micros: wait.micros,
            holder: holder.map(|(holder, _)| holder.0),
            released_at: holder.map(|(_, at)| rfc3339(Timestamp(at))),
            blocker: wait.blocker.as_deref(),
        }
    }
}
