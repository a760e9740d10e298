//! Failures are grouped by what happened.

use super::grouped;
use carril::model::account::{Cause, CauseKind, TimeAccount};
use carril::model::contract::{ErrorClass, ExecutionRow, StepError};
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
