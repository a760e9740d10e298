//! Failures are grouped by what happened; the pace is that of what went through.

use super::{grouped, per_hour};
use carril::model::account::{Cause, CauseKind, TimeAccount};
use carril::model::contract::{ErrorClass, ExecutionRow, StepError, Tally};
use carril::model::id::{ExecutionId, ProcessId, Run};
use carril::model::state::ExecutionState;
use carril::model::time::Timestamp;
use serde_json::Map;

fn failed(id: i64, step: &str, message: &str) -> ExecutionRow {
    ExecutionRow {
        id: ExecutionId(id),
        process: ProcessId(1),
        entity: Some(format!("E{id}")),
        attributes: Map::new(),
        run: Run(1),
        state: ExecutionState::Failed,
        segment: 0,
        behind: None,
        rolling_back: false,
        cancelling: false,
        account: TimeAccount::open(Cause::plain(CauseKind::Queued), Timestamp(0)),
        launched_at: Timestamp(0),
        started_at: None,
        ended_at: None,
        failed_step: Some(step.to_owned()),
        error: Some(StepError::new("CAR0501", ErrorClass::Permanent, message)),
        warnings: 0,
    }
}

#[test]
fn the_most_frequent_failure_comes_first_with_examples() {
    let mut rows = vec![failed(1, "a/x", "one")];
    rows.extend((2..7).map(|id| failed(id, "a/x", "two")));
    rows.push(failed(8, "b/y", "two"));
    let groups = grouped(&rows);
    let told: Vec<(&str, &str, u64)> = groups
        .iter()
        .map(|group| (group.step.as_str(), group.message.as_str(), group.count))
        .collect();
    assert_eq!(
        told,
        [("a/x", "two", 5), ("a/x", "one", 1), ("b/y", "two", 1)]
    );
    let examples: Vec<i64> = groups[0].examples.iter().map(|(id, _)| *id).collect();
    assert_eq!(examples, [2, 3, 4]);
}

#[test]
fn the_pace_counts_what_went_through_and_still_stands() {
    let hour = 3_600_000_000;
    let through = Tally {
        total: 50,
        succeeded: 40,
        failed: 5,
        skipped: 3,
        cancelled: 2,
        rolled_back: 0,
    };
    assert_eq!(per_hour(&through, hour), Some(48));
    assert_eq!(per_hour(&through, hour / 2), Some(96));
    let undone = Tally {
        total: 50,
        rolled_back: 50,
        ..Tally::default()
    };
    assert_eq!(per_hour(&undone, hour), None, "there is no output left");
    assert_eq!(per_hour(&through, 0), None);
}
