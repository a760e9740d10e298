//! What programs are told: `--json` of the command line and the server's API write these very shapes, so that both say the same.
//!
//! Shapes of their own, documented in `docs/reference/cli.md`, so that a change inside the model is no change for programs
//! that read them. Times are RFC 3339 in UTC, spans whole microseconds, absent things `null`. Nothing is decided here.

mod access;
mod event;
mod execution;
mod finding;
mod lane;
mod lock;
mod node;
mod process;
mod report;
mod resource;
mod trace;
mod why;

pub use access::{DeedShape, TokenShape};
pub use event::{AlertShape, EventShape};
pub use execution::{
    AccountShape, AttemptShape, CauseShape, ExecutionShape, RowsShape, SignalShape, StepErrorShape,
    WaitShape, is_open, rows,
};
pub use finding::{FindingShape, findings};
pub use lane::{LaneShape, LaneStepShape, LaneWaitShape};
pub use lock::{BlockerShape, LockCostShape, LockRowShape, LockShape};
pub use node::{LogShape, NodeShape};
pub use process::{ImportedShape, LanesShape, ProcessShape, TallyShape};
pub use report::{BaselineShape, BesideShape, GoalShape, NewestShape, RefusalShape, ReportShape};
pub use resource::{BreakerShape, EngineShape, ResourceShape};
pub use trace::{BottleneckShape, OverlapShape, SpentShape, TimelineShape};
pub use why::{LinkShape, WhyShape};

use carril_model::contract::{Fault, History, ProcessRow};
use carril_model::time::Timestamp;

/// `2025-06-30T14:03:05.123456Z`.
#[must_use]
pub fn rfc3339(time: Timestamp) -> String {
    let reachable = time.0.clamp(
        jiff::Timestamp::MIN.as_microsecond(),
        jiff::Timestamp::MAX.as_microsecond(),
    );
    jiff::Timestamp::from_microsecond(reachable)
        .unwrap_or_default()
        .to_string()
}

/// Microseconds a process took: from launch to end, or to now; of one that was run again, the time in which runs of it were under
/// way, as days may lie between its end and a retry.
///
/// # Errors
/// As the store.
pub async fn worked(history: &dyn History, row: &ProcessRow, now: Timestamp) -> Result<i64, Fault> {
    if row.reopened {
        return history.worked_micros(row.id, now).await;
    }
    Ok(row.ended_at.unwrap_or(now).micros_since(row.launched_at))
}
