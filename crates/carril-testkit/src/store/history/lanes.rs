//! Processes that find out the number of their lanes: from the number that was seen, within bounds, and told afterwards.

use super::*;
use carril_model::contract::ProcessChange;
use carril_model::lanes::{LanesChange, LanesReason};

fn change(process: ProcessId, from: u32, to: u32, at: Timestamp) -> ProcessChange {
    ProcessChange::Lanes {
        process,
        change: LanesChange {
            from,
            to,
            reason: LanesReason::Locks,
            detail: format!("{from} were too many"),
        },
        at,
    }
}

/// A process of two entities with so many lanes, of which it may have `most`.
fn launched(house: &House, lanes: u32, most: Option<u32>) -> (ProcessId, Vec<Claimed>) {
    let mut spec = house.harness.spec(2);
    spec.launch.lanes = lanes;
    spec.launch.lanes_auto = most;
    spec.open = 2;
    house.harness.launch(&spec)
}

fn changes(house: &House, process: ProcessId, max: u32) -> Vec<(u32, u32, LanesReason)> {
    let rows = house.harness.wait(house.history.lanes(process, max));
    let rows = rows.expect("they are read").into_iter();
    rows.map(|row| (row.change.from, row.change.to, row.change.reason))
        .collect()
}

/// A change is made from the number that was seen, by whoever comes first, and within what the process may have.
pub fn a_number_of_lanes_is_changed_from_the_one_that_was_seen(house: &mut House) {
    let (process, _) = launched(house, 10, Some(20));
    let (fixed, _) = launched(house, 10, None);
    let harness = &house.harness;
    let most = |process| {
        let most = harness.wait(harness.store().lanes_auto(process));
        most.expect("it is asked")
    };
    assert_eq!((most(process), most(fixed)), (Some(20), None));
    let to = |process, from, to| {
        let (row, report) = harness.change(change(process, from, to, harness.now()));
        assert!(report.decided.is_empty());
        row.lanes
    };
    assert_eq!(to(process, 10, 8), 8);
    assert_eq!(to(process, 10, 12), 8, "it was seen before the first");
    assert_eq!(to(process, 8, 21), 8, "it may not have so many");
    assert_eq!(to(process, 8, 0), 8, "it has at least one");
    assert_eq!(to(process, 8, 20), 20);
    assert_eq!(to(fixed, 10, 8), 10, "it has one number for good");
    harness.change(ProcessChange::Pause {
        process,
        at: harness.now(),
    });
    assert_eq!(to(process, 20, 5), 20, "it does not run");
}

/// Every change is told with why, newest first, and at last how it began; it outlasts the engine and goes with the process.
pub fn changes_of_lanes_are_told(house: &mut House) {
    let (process, claimed) = launched(house, 10, Some(20));
    let (fixed, _) = launched(house, 10, None);
    house.harness.tick(1_000);
    let at = house.harness.now();
    house.harness.change(change(process, 10, 8, at));
    house.harness.change(change(process, 8, 6, at));
    let told = [
        (8, 6, LanesReason::Locks),
        (10, 8, LanesReason::Locks),
        (10, 10, LanesReason::Launched),
    ];
    assert_eq!(changes(house, process, 9), told);
    assert_eq!(changes(house, process, 1), told[..1]);
    assert!(changes(house, fixed, 9).is_empty());
    let rows = house.harness.wait(house.history.lanes(process, 1));
    let row = rows.expect("they are read").remove(0);
    assert_eq!((row.at, row.most), (at, 20));
    assert_eq!(row.change.detail, "8 were too many");
    house.harness.crash();
    assert_eq!(changes(house, process, 9), told);
    assert_eq!(house.harness.process(process).lanes, 6);
    let claimed = house.harness.claim(process, 2).len().max(claimed.len());
    assert_eq!(claimed, 2);
}

/// With the process goes how its lanes were found out.
pub fn changes_of_lanes_are_forgotten_with_their_process(house: &mut House) {
    let (process, claimed) = launched(house, 10, Some(20));
    let harness = &house.harness;
    harness.settle(&claimed, ExecutionState::Succeeded);
    harness.change(ProcessChange::Settle {
        process,
        state: carril_model::state::ProcessState::Succeeded,
        reason: None,
        at: harness.now(),
    });
    let forgotten = harness.wait(harness.store().forget(process, 10));
    assert_eq!(forgotten.expect("it has settled").executions, 2);
    assert!(changes(house, process, 9).is_empty());
}
