//! The words of the picture.

use super::{lane, spread};
use carril::model::account::{Cause, CauseKind, TimeAccount};
use carril::model::contract::ExecutionRow;
use carril::model::id::{ExecutionId, ProcessId, Run};
use carril::model::state::ExecutionState;
use carril::model::time::Timestamp;
use serde_json::Map;
use std::collections::BTreeMap;

#[test]
fn what_most_lanes_are_at_comes_first() {
    let causes = BTreeMap::from([
        (CauseKind::Queued, 2),
        (CauseKind::Running, 12),
        (CauseKind::Slot, 9),
    ]);
    assert_eq!(spread(&causes), "running 12 · slot 9 · queued 2");
}

#[test]
fn a_lane_says_what_it_waits_for() {
    let mut account = TimeAccount::open(Cause::plain(CauseKind::Queued), Timestamp(0));
    account.switch(
        Cause::about(CauseKind::Slot, "warehouse"),
        Timestamp(1_700_000),
    );
    let row = ExecutionRow {
        id: ExecutionId(3),
        process: ProcessId(1),
        entity: Some("MERLC".to_owned()),
        attributes: Map::new(),
        run: Run(1),
        state: ExecutionState::Running,
        segment: 0,
        behind: None,
        rolling_back: false,
        cancelling: false,
        account,
        launched_at: Timestamp(0),
        started_at: Some(Timestamp(100_000)),
        ended_at: None,
        failed_step: None,
        error: None,
        warnings: 0,
    };
    assert_eq!(
        lane(&row, None, Timestamp(2_000_000)),
        "  MERLC                1.9 s  slot(warehouse) for 300 ms"
    );
}
