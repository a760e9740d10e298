//! What guard rails look at: versions by their first hours, answers without a launch, baselines, past runs.

use super::{Harness, definition};
use carril_model::account::{Cause, CauseKind};
use carril_model::baseline::{Baseline, PastRun};
use carril_model::contract::{
    Change, Claim, Claimed, Group, Launched, ProcessChange, Rerun, Until,
};
use carril_model::definition::{Overlap, Version};
use carril_model::guard::{VersionRecord, WINDOW};
use carril_model::id::{ProcessId, Run};
use carril_model::process;
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;
use std::sync::Arc;

const PIPELINE: &str = "conformance";

fn window() -> i64 {
    i64::try_from(WINDOW.as_micros()).expect("two hours fit")
}

/// Another version of the pipeline, kept.
fn other_version(harness: &Harness, text: &str) -> Version {
    let mut other = definition();
    other.description = Some(text.to_owned());
    let version = other.version();
    harness
        .wait(harness.store().define(&version, &other, harness.now()))
        .expect("a definition is kept");
    version
}

fn launched(harness: &Harness, version: &Version, many: usize) -> (ProcessId, Vec<Claimed>) {
    let mut spec = harness.spec(many);
    spec.launch.version = version.clone();
    spec.open = u32::try_from(many).expect("cases are small");
    harness.launch(&spec)
}

/// A process that has settled, with so many that succeeded and so many that failed.
fn settled(harness: &Harness, version: &Version, succeeded: usize, failed: usize) -> ProcessId {
    let (process, claimed) = launched(harness, version, succeeded + failed);
    harness.settle(&claimed[..succeeded], ExecutionState::Succeeded);
    harness.settle(&claimed[succeeded..], ExecutionState::Failed);
    end(harness, process);
    process
}

fn end(harness: &Harness, process: ProcessId) {
    harness.change(ProcessChange::Settle {
        process,
        state: process::outcome(&harness.process(process).tally),
        reason: None,
        at: harness.now(),
    });
}

fn versions(harness: &Harness, version: &Version, others: u32) -> Vec<VersionRecord> {
    let store = harness.store();
    let records = harness
        .wait(store.versions(PIPELINE, version, others))
        .expect("it can be asked");
    let own = records.iter().find(|record| record.version == *version);
    assert_eq!(
        harness.wait(store.early_failures(PIPELINE, version)),
        Ok(own.map_or(0, |record| record.failed))
    );
    records
}

fn forget(harness: &Harness, process: ProcessId) {
    while !harness
        .wait(harness.store().forget(process, 100))
        .expect("it is settled")
        .whole
    {}
}

/// Processes launched within two hours of the first launch count, with what went through or failed in them, as they are now.
pub fn a_version_is_counted_over_its_first_hours(harness: &mut Harness) {
    let version = harness.version().clone();
    assert_eq!(versions(harness, &version, 9), []);
    let first_launch = harness.now();
    let (_, claimed) = launched(harness, &version, 5);
    let record = |settled, failed, succeeded| VersionRecord {
        version: version.clone(),
        first_launch,
        settled,
        failed,
        succeeded,
        has_succeeded: succeeded > 0,
    };
    assert_eq!(versions(harness, &version, 9), [record(0, 0, 0)]);
    harness.settle(&claimed[..2], ExecutionState::Failed);
    harness.settle(&claimed[2..3], ExecutionState::Succeeded);
    harness.settle(&claimed[3..4], ExecutionState::Skipped);
    harness.settle(&claimed[4..], ExecutionState::Cancelled);
    assert_eq!(versions(harness, &version, 9), [record(4, 2, 1)]);
    harness.tick(window());
    settled(harness, &version, 1, 2);
    assert_eq!(versions(harness, &version, 9), [record(7, 4, 2)]);
    harness.tick(1);
    settled(harness, &version, 0, 9);
    assert_eq!(versions(harness, &version, 9), [record(7, 4, 2)]);
    harness.reopen();
    assert_eq!(versions(harness, &version, 9), [record(7, 4, 2)]);
}

/// A launch in chunks may begin before the version's first that is whole, and be whole after it.
pub fn a_launch_that_another_overtook_counts_for_its_version(harness: &mut Harness) {
    let version = harness.version().clone();
    let mut spec = harness.spec(2);
    for entity in &mut spec.entities {
        // Nobody waits for the other's lanes.
        entity.lane_hash += 1_000;
    }
    let begun = harness.store().launch(&spec.launch, &spec.entities, None);
    let Ok(Launched::New { process, .. }) = harness.wait(begun) else {
        panic!("a launch begins");
    };
    harness.tick(1_000);
    settled(harness, &version, 1, 0);
    let now = harness.now();
    let extended = harness.store().extend(process, &[], Some(2), now);
    let claimed = harness.wait(extended).expect("the launch is whole");
    harness.settle(&claimed, ExecutionState::Failed);
    let record = &versions(harness, &version, 0)[0];
    assert_eq!((record.settled, record.failed), (3, 2));
}

/// What waits at a barrier has done its part; what is open has not, be it a lane's or the process's own.
pub fn lanes_at_a_barrier_count_for_their_version(harness: &mut Harness) {
    let version = harness.version().clone();
    let mut spec = harness.spec_in_segments(4);
    spec.open = 4;
    let (process, claimed) = harness.launch(&spec);
    let counted = |harness: &Harness| {
        let record = &versions(harness, &version, 0)[0];
        (record.settled, record.failed)
    };
    harness.settle(&claimed[..1], ExecutionState::Failed);
    assert_eq!(counted(harness), (1, 1));
    harness.park(&claimed[1], 2);
    assert_eq!(counted(harness), (2, 1));
    harness.park(&claimed[2], 2);
    harness.park(&claimed[3], 2);
    assert_eq!(counted(harness), (4, 1));
    let at = harness.now();
    harness.change(ProcessChange::Advance {
        process,
        from: 0,
        to: 1,
        at,
    });
    assert_eq!(counted(harness), (4, 1), "the process's own is open");
    assert_eq!(process::lanes_done(&harness.process(process)), 4);
    let own = harness.claim(process, 1);
    let mut account = own[0].account.clone();
    account.switch(Cause::plain(CauseKind::Timer), harness.now());
    let until = Until::Woken {
        at: Some(harness.now()),
        keys: Vec::new(),
    };
    harness.accept(own[0].owned, Change::Parked { until, account });
    assert_eq!(counted(harness), (4, 1), "it waits for the process's own");
    assert_eq!(process::lanes_done(&harness.process(process)), 4);
    let wake = Group {
        wakes: 1,
        claims: vec![Claim { process, max: 1 }],
        at: harness.now(),
        ..Group::default()
    };
    let report = harness.wait(harness.store().commit(Arc::new(wake)));
    let own = report.expect("the commit succeeds").claimed;
    harness.settle(&own, ExecutionState::Succeeded);
    harness.change(ProcessChange::Advance {
        process,
        from: 1,
        to: 2,
        at,
    });
    assert_eq!(counted(harness), (4, 1), "they are past the barrier");
    assert_eq!(process::lanes_done(&harness.process(process)), 4);
}

/// Where the process's own stage comes first, lanes have done nothing when it is through and the process has not gone on yet.
pub fn lanes_before_their_first_segment_count_for_nothing(harness: &mut Harness) {
    let version = harness.version().clone();
    let mut spec = harness.spec_own_first(2);
    spec.open = 1;
    let (process, own) = harness.launch(&spec);
    let counted = |harness: &Harness| versions(harness, &version, 0)[0].settled;
    assert_eq!(counted(harness), 0, "its own stage is open");
    harness.park(&own[0], 2);
    assert_eq!(counted(harness), 0, "its own stage is through");
    assert_eq!(process::lanes_done(&harness.process(process)), 0);
    let at = harness.now();
    harness.change(ProcessChange::Advance {
        process,
        from: 0,
        to: 1,
        at,
    });
    assert_eq!(counted(harness), 0, "they have just begun");
    assert_eq!(process::lanes_done(&harness.process(process)), 0);
}

/// A launch that nobody sees yet is none, and begins no hours when it is removed.
pub fn a_launch_that_is_not_whole_counts_for_no_version(harness: &mut Harness) {
    let version = harness.version().clone();
    let spec = harness.spec(2);
    let begun = harness.wait(harness.store().launch(&spec.launch, &spec.entities, None));
    let Ok(Launched::New { process, .. }) = begun else {
        panic!("a launch was expected, not {begun:?}");
    };
    assert_eq!(versions(harness, &version, 9), []);
    harness
        .wait(harness.store().abandon(process))
        .expect("it is removed");
    harness.tick(7);
    settled(harness, &version, 1, 0);
    assert_eq!(
        versions(harness, &version, 9)[0].first_launch,
        harness.now()
    );
}

/// The version asked for comes first, then others, those first whose first launch was last; other pipelines have none of it.
pub fn other_versions_are_told_newest_first(harness: &mut Harness) {
    let (old, middle) = (harness.version().clone(), other_version(harness, "middle"));
    let new = other_version(harness, "new");
    let never = other_version(harness, "never launched");
    settled(harness, &old, 1, 0);
    harness.tick(5);
    settled(harness, &middle, 0, 1);
    harness.tick(5);
    settled(harness, &new, 1, 1);
    harness.tick(5);
    settled(harness, &old, 1, 0);
    let told = |version, others| -> Vec<Version> {
        let records = versions(harness, version, others).into_iter();
        records.map(|record| record.version).collect()
    };
    assert_eq!(told(&old, 9), [old.clone(), new.clone(), middle.clone()]);
    assert_eq!(told(&middle, 1), [middle.clone(), new.clone()]);
    assert_eq!(told(&new, 0), std::slice::from_ref(&new));
    assert_eq!(told(&never, 1), [new]);
    let flags: Vec<bool> = versions(harness, &never, 9)
        .iter()
        .map(|record| record.has_succeeded)
        .collect();
    assert_eq!(flags, [true, false, true]);
    let elsewhere = harness.wait(harness.store().versions("another", &old, 9));
    assert_eq!(elsewhere, Ok(Vec::new()));
}

/// A version's first hours stay its first when their processes are forgotten; later processes do not become its first.
pub fn first_hours_that_are_forgotten_do_not_begin_anew(harness: &mut Harness) {
    let version = harness.version().clone();
    let first_launch = harness.now();
    let process = settled(harness, &version, 0, 30);
    harness.tick(2 * window());
    settled(harness, &version, 1, 25);
    forget(harness, process);
    let expected = VersionRecord {
        version: version.clone(),
        first_launch,
        settled: 0,
        failed: 0,
        succeeded: 0,
        has_succeeded: true,
    };
    assert_eq!(versions(harness, &version, 0), [expected]);
}

/// What a launch's key or policy would answer is told, and nothing is launched by asking.
pub fn what_answers_a_launch_is_told_without_launching(harness: &mut Harness) {
    let mut spec = harness.spec(1);
    spec.launch.idempotency_key = Some("monday".to_owned());
    let answered = |harness: &Harness, spec: &super::Spec| {
        let answer = harness.wait(harness.store().answered(&spec.launch));
        answer.expect("it can be asked")
    };
    assert_eq!(answered(harness, &spec), None);
    spec.open = 1;
    let (process, claimed) = harness.launch(&spec);
    assert_eq!(answered(harness, &spec), Some(Launched::Repeated(process)));
    let mut another = harness.spec(1);
    assert_eq!(answered(harness, &another), None, "overlap = allow");
    another.launch.overlap = Overlap::Queue;
    assert_eq!(answered(harness, &another), None);
    another.launch.overlap = Overlap::Skip;
    assert_eq!(
        answered(harness, &another),
        Some(Launched::Skipped(process))
    );
    harness.settle(&claimed, ExecutionState::Succeeded);
    end(harness, process);
    assert_eq!(answered(harness, &another), None);
    assert_eq!(answered(harness, &spec), Some(Launched::Repeated(process)));
}

/// One per pipeline, replaced by the next, there after a restart, gone when it is cleared, and not with its process.
pub fn a_baseline_is_kept_until_it_is_cleared(harness: &mut Harness) {
    let version = harness.version().clone();
    let process = settled(harness, &version, 1, 0);
    let baseline = |pipeline: &str, entities| Baseline {
        pipeline: pipeline.to_owned(),
        process,
        version: version.clone(),
        entities,
        worked_micros: 123_456_789,
        set_by: "ada".to_owned(),
        set_at: harness.now(),
    };
    let (one, two, other) = (
        baseline(PIPELINE, 1),
        baseline(PIPELINE, 2),
        baseline("another", 3),
    );
    for kept in [&one, &other, &two] {
        assert_eq!(harness.wait(harness.store().keep_baseline(kept)), Ok(()));
    }
    harness.crash();
    forget(harness, process);
    let told = |pipeline, max| {
        let told = harness.wait(harness.store().baselines(pipeline, max));
        told.expect("it can be asked")
    };
    assert_eq!(told(None, 9), [other.clone(), two.clone()]);
    assert_eq!(told(None, 1), std::slice::from_ref(&other));
    assert_eq!(told(Some(PIPELINE), 9), [two]);
    let clear = |pipeline| harness.wait(harness.store().clear_baseline(pipeline));
    assert_eq!(clear(PIPELINE), Ok(true));
    assert_eq!(clear(PIPELINE), Ok(false));
    assert_eq!(told(None, 9), [other]);
}

/// Newest first, only what has ended with an entity through it; time between an end and a retry is no work.
pub fn past_runs_are_told_with_their_time_at_work(harness: &mut Harness) {
    let version = harness.version().clone();
    let first = settled(harness, &version, 1, 0);
    harness.tick(10);
    let (second, claimed) = launched(harness, &version, 4);
    harness.tick(30);
    harness.settle(&claimed[..1], ExecutionState::Succeeded);
    harness.settle(&claimed[1..2], ExecutionState::Skipped);
    harness.settle(&claimed[2..3], ExecutionState::Cancelled);
    let past = |harness: &Harness, after, max| -> Vec<PastRun> {
        let runs = harness.store().past_runs(PIPELINE, ProcessId(after), max);
        harness.wait(runs).expect("it can be asked")
    };
    assert_eq!(past(harness, first.0, 9), [], "it has not ended");
    harness.settle(&claimed[3..], ExecutionState::Failed);
    end(harness, second);
    let run = |worked_micros, ended_at| PastRun {
        process: second,
        ended_at,
        entities: 3,
        worked_micros,
    };
    assert_eq!(past(harness, first.0, 9), [run(30, harness.now())]);
    let untouched = settled_without_entities(harness, &version);
    let all: Vec<ProcessId> = past(harness, 0, 9).iter().map(|run| run.process).collect();
    assert_eq!(all, [second, first], "{untouched} let no entity through");
    assert_eq!(past(harness, 0, 1).len(), 1);
    let failed = claimed[3].owned.execution;
    harness.tick(1_000);
    run_again(harness, second, failed);
    assert_eq!(past(harness, first.0, 9), [run(75, harness.now())]);
    let now = harness.now();
    let worked = harness.wait(harness.store().worked_micros(second, now));
    assert_eq!(worked, Ok(75));
    assert_eq!(past(harness, first.0, 9)[0].ended_at, Timestamp(now.0));
}

fn settled_without_entities(harness: &Harness, version: &Version) -> ProcessId {
    let (process, claimed) = launched(harness, version, 1);
    harness.settle(&claimed, ExecutionState::Cancelled);
    end(harness, process);
    process
}

/// The next run of one execution, of 45 µs.
fn run_again(harness: &mut Harness, process: ProcessId, execution: carril_model::id::ExecutionId) {
    let rerun = Rerun {
        execution,
        expected: Run(1),
        segment: 0,
        carried: Vec::new(),
    };
    harness
        .wait(harness.store().rerun(process, &[rerun], harness.now()))
        .expect("it runs again");
    let next = harness.claim(process, 1);
    harness.tick(45);
    harness.settle(&next, ExecutionState::Succeeded);
    end(harness, process);
}
