//! The faults that tests inject: the wrapper of the test kit around a real store, and the fail points inside it.

use carril_model::contract::{Change, Fault, Group, Owned, Record, Verdict};
use carril_model::state::ExecutionState;
use carril_sqlite::store::{SqliteStore, StoreOptions};
use carril_testkit::fault::{FaultStore, Faults, Kind, Verb};
use carril_testkit::store::{Harness, Opener, end_of, step_end};
use std::sync::Arc;

fn unavailable() -> Fault {
    Fault::Unavailable("on purpose".to_owned())
}

/// A store that fails as planned.
fn failing(faults: &Faults) -> Opener {
    let folder = tempfile::tempdir().expect("a folder");
    let faults = faults.clone();
    Opener::new(move || {
        let path = folder.path().join("carril.db");
        let store = SqliteStore::open(&path, StoreOptions::default()).expect("it opens");
        Arc::new(FaultStore::new(store, faults.clone()))
    })
}

fn group(harness: &Harness, owned: Owned) -> Arc<Group> {
    let now = harness.now();
    let change = Change::StepEnded(Box::new(step_end(0, now, now)));
    Arc::new(Group {
        records: vec![Record { owned, change }],
        at: now,
        ..Group::default()
    })
}

fn steps(harness: &Harness, owned: Owned) -> usize {
    harness
        .wait(harness.store().steps(owned.execution))
        .expect("they are read")
        .len()
}

#[test]
fn a_refused_call_does_nothing_and_a_planned_error_may_come_after_the_deed() {
    let faults = Faults::default();
    let harness = Harness::open(failing(&faults));
    let (_, claimed) = harness.running(2);
    let commit =
        |at: usize| harness.wait(harness.store().commit(group(&harness, claimed[at].owned)));
    faults.fail(Verb::Commit, 0, Kind::Refuse(unavailable()));
    faults.fail(Verb::Commit, 1, Kind::ExecuteThen(unavailable()));
    assert_eq!(commit(0), Err(unavailable()));
    assert_eq!(steps(&harness, claimed[0].owned), 0);
    assert_eq!(commit(1), Err(unavailable()));
    assert_eq!(steps(&harness, claimed[1].owned), 1, "it was done");
    assert_eq!(
        commit(0).map(|report| report.verdicts),
        Ok(vec![Verdict::Done])
    );
    assert_eq!((faults.fired(), faults.calls(Verb::Commit)), (2, 3));
}

/// A life of three commits, each of which fails once, undone or done: the engine enters again, and what was durable is there.
#[test]
fn whichever_commit_fails_entering_again_finds_a_whole_store() {
    for nth in 0..3 {
        for kind in [
            Kind::Refuse(unavailable()),
            Kind::ExecuteThen(unavailable()),
        ] {
            let faults = Faults::default();
            let mut harness = Harness::open(failing(&faults));
            let (process, claimed) = harness.running(3);
            faults.fail(Verb::Commit, nth, kind.clone());
            for claimed in &claimed {
                let end = end_of(claimed, ExecutionState::Succeeded, harness.now());
                if harness
                    .try_commit(vec![end], Vec::new(), Vec::new())
                    .is_err()
                {
                    harness.crash();
                    break;
                }
            }
            let done = u64::from(nth) + u64::from(matches!(kind, Kind::ExecuteThen(_)));
            assert_eq!(harness.recount(process).tally.succeeded, done);
            let left = harness.claim(process, 3);
            assert_eq!(
                left.len() as u64,
                3 - done,
                "whatever was not durable is claimed anew"
            );
            harness.settle(&left, ExecutionState::Succeeded);
            assert_eq!(harness.recount(process).tally.succeeded, 3);
            assert_eq!(faults.fired(), 1);
        }
    }
}

#[cfg(feature = "failpoints")]
#[test]
fn fail_points_lie_on_both_sides_of_a_commit() {
    use carril_model::contract::{NodeInfo, Store};

    let scenario = fail::FailScenario::setup();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("carril.db");
    let open = move || -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&path, StoreOptions::default()).expect("it opens"))
    };
    let harness = Harness::open(Opener::new(open));
    let (_, claimed) = harness.running(1);
    let commit = || harness.wait(harness.store().commit(group(&harness, claimed[0].owned)));
    fail::cfg("store::commit::before", "1*return").expect("it is set");
    assert!(matches!(commit(), Err(Fault::Unavailable(_))));
    assert_eq!(steps(&harness, claimed[0].owned), 0);
    fail::cfg("store::commit::after", "1*return").expect("it is set");
    assert!(matches!(commit(), Err(Fault::Unavailable(_))));
    assert_eq!(steps(&harness, claimed[0].owned), 1);
    fail::cfg("store::launch::before_open", "1*return").expect("it is set");
    assert!(harness.try_launch(&harness.spec(2)).is_err());
    let node = NodeInfo {
        host: "h".to_owned(),
        pid: 1,
        command: "c".to_owned(),
        lanes: None,
    };
    let entered = harness
        .wait(harness.store().enter(&node, harness.now()))
        .expect("it enters");
    assert_eq!(
        entered.unsettled.len(),
        1,
        "the launch is not there, not even half"
    );
    fail::cfg("store::launch::after", "1*return").expect("it is set");
    let mut spec = harness.spec(2);
    spec.launch.idempotency_key = Some("once".to_owned());
    assert!(harness.try_launch(&spec).is_err());
    assert!(
        matches!(
            harness.try_launch(&spec),
            Ok(carril_model::contract::Launched::Repeated(_))
        ),
        "it was done"
    );
    scenario.teardown();
}
