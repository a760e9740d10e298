//! Lane keys: executions of one key never overlap, whichever process they belong to, and nobody is forgotten.

use super::{Harness, end_of, entity};
use carril_model::account::CauseKind;
use carril_model::contract::{Claimed, Launched, NewExecution, ProcessChange};
use carril_model::id::ProcessId;
use carril_model::state::{ExecutionState, ProcessState};

/// Launches `many` entities that share one lane key, under keys of their own.
fn of_one_key(harness: &Harness, many: usize, lane_hash: i64) -> ProcessId {
    let mut spec = harness.spec(many);
    for entity in &mut spec.entities {
        entity.lane_hash = lane_hash;
    }
    harness.launch(&spec).0
}

fn only(claimed: Vec<Claimed>) -> Claimed {
    assert_eq!(claimed.len(), 1, "exactly one may run");
    claimed.into_iter().next().expect("there is one")
}

/// One at a time, in order of id.
pub fn executions_of_one_key_run_one_after_the_other(harness: &mut Harness) {
    let process = of_one_key(harness, 4, 5);
    let mut before = None;
    for _ in 0..4 {
        let claimed = only(harness.claim(process, 10));
        assert!(before < Some(claimed.owned.execution), "in order of id");
        before = Some(claimed.owned.execution);
        assert!(harness.claim(process, 10).is_empty());
        let report = harness.settle(&[claimed], ExecutionState::Failed);
        let left = harness.process(process).open > 0;
        assert_eq!(report.woken, if left { vec![process] } else { Vec::new() });
    }
    assert_eq!(harness.recount(process).tally.failed, 4);
}

/// A later process stands behind an earlier one.
pub fn keys_hold_across_processes_in_order_of_launch(harness: &mut Harness) {
    let (first, second) = (of_one_key(harness, 2, 5), of_one_key(harness, 1, 5));
    assert!(harness.claim(second, 10).is_empty());
    for _ in 0..2 {
        let claimed = only(harness.claim(first, 10));
        assert!(harness.claim(second, 10).is_empty());
        harness.settle(&[claimed], ExecutionState::Succeeded);
    }
    only(harness.claim(second, 10));
}

/// Cancelling a pending head, alone or with its process, lets the next one go.
pub fn a_cancelled_head_gives_its_key_on(harness: &mut Harness) {
    let (first, second) = (of_one_key(harness, 3, 5), of_one_key(harness, 1, 5));
    let head = harness.executions(first)[0].0.execution;
    harness
        .wait(harness.store().cancel(&[head], "no", harness.now()))
        .expect("it is cancelled");
    let next = only(harness.claim(first, 10));
    assert!(next.owned.execution > head);
    let cancel = ProcessChange::Cancel {
        process: first,
        state: ProcessState::Cancelled,
        reason: "no".to_owned(),
        at: harness.now(),
    };
    harness.change(cancel);
    assert!(
        harness.claim(second, 10).is_empty(),
        "a running one still has the key"
    );
    let report = harness.settle(&[next], ExecutionState::Cancelled);
    assert_eq!(report.woken, [second]);
    only(harness.claim(second, 10));
    harness.recount(first);
}

/// A launch that came first and is given up does not block who came behind it.
pub fn an_abandoned_launch_gives_its_keys_on(harness: &mut Harness) {
    let spec = harness.spec(1);
    let launched = harness
        .wait(harness.store().launch(&spec.launch, &spec.entities, None))
        .expect("it begins");
    let Launched::New {
        process: launching, ..
    } = launched
    else {
        panic!("a new process was expected")
    };
    let (behind, none) = {
        let mut spec = harness.spec(1);
        spec.open = 1;
        harness.launch(&spec)
    };
    assert!(none.is_empty(), "the launching one was first");
    harness
        .wait(harness.store().abandon(launching))
        .expect("it is removed");
    only(harness.claim(behind, 1));
}

/// Begins a launch with entities of these lane keys, under keys of their own.
fn begin(harness: &Harness, keys: &[i64]) -> ProcessId {
    let launched = harness
        .wait(
            harness
                .store()
                .launch(&harness.spec(1).launch, &keyed(0, keys), None),
        )
        .expect("it begins");
    match launched {
        Launched::New { process, .. } => process,
        other => panic!("a new process was expected, not {other:?}"),
    }
}

fn keyed(from: usize, keys: &[i64]) -> Vec<NewExecution> {
    let new = |(at, lane_hash): (usize, &i64)| NewExecution {
        lane_hash: *lane_hash,
        ..entity(from + at)
    };
    keys.iter().enumerate().map(new).collect()
}

fn go_on(harness: &Harness, process: ProcessId, more: &[NewExecution], open: Option<u32>) {
    let extended = harness.wait(harness.store().extend(process, more, open, harness.now()));
    assert_eq!(extended, Ok(Vec::new()));
}

/// Whatever chunk an execution came in, and whatever was launched in between: of one key, the one with the smallest id goes first.
pub fn keys_that_chunks_of_launches_share_are_held_in_order(harness: &mut Harness) {
    let large = begin(harness, &[1, 2, 2]);
    let between = begin(harness, &[1, 7]);
    go_on(harness, large, &keyed(3, &[3, 1, 9]), None);
    let (small, nobody) = harness.launch(&{
        let mut spec = harness.spec(0);
        spec.entities = keyed(0, &[3, 8]);
        spec.open = 10;
        spec
    });
    let ran = |claimed: &[Claimed]| -> Vec<String> {
        let keys = claimed.iter().filter_map(|one| one.entity_key.clone());
        keys.collect()
    };
    assert_eq!(ran(&nobody), ["e00001"], "3 is the other launch's");
    go_on(harness, between, &keyed(2, &[9, 4]), Some(0));
    assert_eq!(ran(&harness.claim(between, 10)), ["e00001", "e00003"]);
    go_on(harness, large, &keyed(6, &[5]), Some(0));
    let first = harness.claim(large, 10);
    assert_eq!(
        ran(&first),
        ["e00000", "e00001", "e00003", "e00005", "e00006"]
    );
    harness.settle(&first, ExecutionState::Succeeded);
    let small_goes_on = harness.claim(small, 10);
    assert_eq!(ran(&small_goes_on), ["e00000"]);
    let rest = harness.claim(between, 10);
    assert_eq!(ran(&rest), ["e00000", "e00002"], "1 and 9 came to it");
    assert_eq!(
        ran(&harness.claim(large, 10)),
        ["e00002"],
        "1 has been passed on"
    );
    harness.settle(&rest, ExecutionState::Failed);
    assert_eq!(ran(&harness.claim(large, 10)), ["e00004"]);
    harness.recount(large);
    harness.recount(between);
}

/// Two entities of one key, with a barrier after their first stage.
fn with_barrier(harness: &Harness) -> ProcessId {
    let mut spec = harness.spec_in_segments(0);
    let keyed = |at: usize| NewExecution {
        lane_hash: 5,
        ..entity(at)
    };
    spec.entities = vec![keyed(0), keyed(1)];
    harness.launch(&spec).0
}

/// At a barrier everybody of the process must arrive, so a parked one makes room for its own; afterwards they take turns again.
pub fn a_parked_head_lets_its_own_process_pass(harness: &mut Harness) {
    let process = with_barrier(harness);
    let first = only(harness.claim(process, 10));
    let report = harness.park(&first, 2);
    assert_eq!(report.woken, [process]);
    let second = only(harness.claim(process, 10));
    harness.park(&second, 2);
    assert_eq!(harness.recount(process).open, 0);
    harness.change(ProcessChange::Advance {
        process,
        from: 0,
        to: 1,
        at: harness.now(),
    });
    let own = only(harness.claim(process, 10));
    assert!(own.owned.per_process);
    harness.settle(&[own], ExecutionState::Succeeded);
    harness.change(ProcessChange::Advance {
        process,
        from: 1,
        to: 2,
        at: harness.now(),
    });
    let again = only(harness.claim(process, 10));
    assert_eq!(
        again.owned.execution, first.owned.execution,
        "the first goes on first"
    );
    harness.settle(&[again], ExecutionState::Succeeded);
    let last = only(harness.claim(process, 10));
    assert_eq!(last.owned.execution, second.owned.execution);
    assert_eq!(last.segment, 2);
}

/// A parked execution is not over: who comes later waits.
pub fn a_parked_head_keeps_other_processes_behind(harness: &mut Harness) {
    let process = with_barrier(harness);
    let later = of_one_key(harness, 1, 5);
    let first = only(harness.claim(process, 10));
    harness.park(&first, 2);
    assert!(harness.claim(later, 10).is_empty());
    let second = only(harness.claim(process, 10));
    harness.settle(&[second], ExecutionState::Failed);
    assert!(
        harness.claim(later, 10).is_empty(),
        "the parked one has the key again"
    );
}

/// Behind another the time is `key`, as a head it is `queued`.
pub fn time_behind_a_key_is_charged_to_it(harness: &mut Harness) {
    let process = of_one_key(harness, 2, 5);
    harness.tick(30);
    let first = only(harness.claim(process, 10));
    assert_eq!(
        (
            first.account.spent(CauseKind::Queued),
            first.account.spent(CauseKind::Key)
        ),
        (30, 0)
    );
    let end = harness.tick(100);
    let record = end_of(&first, ExecutionState::Succeeded, end);
    harness.records(vec![record]);
    harness.tick(7);
    let second = only(harness.claim(process, 10));
    assert_eq!(
        (
            second.account.spent(CauseKind::Queued),
            second.account.spent(CauseKind::Key)
        ),
        (7, 130)
    );
}

/// However many executions of a key have settled, the next of it still runs, also after a start.
pub fn many_settled_heads_leave_no_trace(harness: &mut Harness) {
    for round in 0..3 {
        let mut spec = harness.spec(700);
        spec.open = 700;
        let (process, claimed) = harness.launch(&spec);
        assert_eq!(claimed.len(), 700, "round {round} finds every key free");
        harness.settle(&claimed, ExecutionState::Succeeded);
        harness.recount(process);
        if round == 1 {
            harness.crash();
        }
    }
}
