//! Launching: all or nothing, once, and what a second launch does.

use super::{Harness, definition, entity};
use carril_model::contract::{
    Fault, LAUNCH_CHUNK_MAX, Launched, NewExecution, ProcessChange, Selection,
};
use carril_model::definition::{Overlap, Version};
use carril_model::id::{ID_LIMIT, ProcessId};
use carril_model::state::{ExecutionState, ProcessState};
use std::collections::{BTreeMap, BTreeSet};

fn conflict<T: std::fmt::Debug>(result: Result<T, Fault>) -> String {
    match result {
        Err(Fault::Conflict(text)) => text,
        other => panic!("a conflict was expected, not {other:?}"),
    }
}

fn begin(harness: &Harness, many: usize) -> ProcessId {
    let spec = harness.spec(many);
    match harness.wait(harness.store().launch(&spec.launch, &spec.entities, None)) {
        Ok(Launched::New { process, claimed }) => {
            assert!(
                claimed.is_empty(),
                "a launch that is not open claims nothing"
            );
            process
        }
        other => panic!("a new process was expected, not {other:?}"),
    }
}

/// With its last chunk, the process and all its executions are there.
pub fn a_launch_is_visible_only_when_it_is_whole(harness: &mut Harness) {
    let process = begin(harness, 3);
    assert_eq!(harness.process(process).state, ProcessState::Launching);
    assert!(
        harness.claim(process, 10).is_empty(),
        "nobody claims from a launch"
    );
    assert!(
        harness.executions(process).is_empty(),
        "nobody selects from a launch"
    );
    let claimed = harness
        .wait(
            harness
                .store()
                .extend(process, &[entity(3)], Some(2), harness.now()),
        )
        .expect("it is opened");
    assert_eq!(claimed.len(), 2);
    let row = harness.recount(process);
    assert_eq!(
        (row.state, row.tally.total, row.open),
        (ProcessState::Running, 4, 4)
    );
}

/// Chunks add up, in order of id.
pub fn a_launch_in_chunks_opens_with_the_last(harness: &mut Harness) {
    let process = begin(harness, 10);
    for chunk in 1..5 {
        let more: Vec<NewExecution> = (chunk * 10..chunk * 10 + 10).map(entity).collect();
        let open = (chunk == 4).then_some(0);
        assert_eq!(
            harness.wait(harness.store().extend(process, &more, open, harness.now())),
            Ok(Vec::new())
        );
    }
    assert_eq!(harness.recount(process).tally.total, 50);
    let claimed = harness.claim(process, 50);
    let keys: Vec<_> = claimed
        .iter()
        .filter_map(|one| one.entity_key.clone())
        .collect();
    assert_eq!(
        keys,
        (0..50).map(|at| entity(at).entity_key).collect::<Vec<_>>()
    );
    let more = harness.wait(
        harness
            .store()
            .extend(process, &[entity(99)], None, harness.now()),
    );
    conflict(more);
    assert_eq!(
        harness.recount(process).tally.total,
        50,
        "a running process takes no more"
    );
}

/// Giving a launch up removes all of it; a running process is not removed that way.
pub fn an_abandoned_launch_leaves_nothing(harness: &mut Harness) {
    let process = begin(harness, 3);
    harness
        .wait(harness.store().abandon(process))
        .expect("it is removed");
    conflict(harness.wait(harness.store().process(process)));
    let (other, _) = harness.running(2);
    harness
        .wait(harness.store().abandon(other))
        .expect("no launch, no harm");
    assert_eq!(harness.recount(other).tally.total, 2);
}

/// A key that occurs twice is named, and no process is there.
pub fn a_repeated_entity_is_named_and_nothing_is_left(harness: &mut Harness) {
    let mut spec = harness.spec(5);
    spec.entities.push(entity(2));
    spec.launch.idempotency_key = Some("once".to_owned());
    assert!(conflict(harness.try_launch(&spec)).contains("e00002"));
    spec.entities.pop();
    let (process, _) = harness.launch(&spec);
    assert_eq!(
        harness.recount(process).tally.total,
        5,
        "the idempotency key was not used up"
    );
}

/// The same in a later chunk: the launch is gone.
pub fn a_repeated_entity_in_a_later_chunk_removes_the_launch(harness: &mut Harness) {
    let process = begin(harness, 5);
    let extended = harness.wait(harness.store().extend(
        process,
        &[entity(9), entity(4)],
        Some(1),
        harness.now(),
    ));
    assert!(conflict(extended).contains("e00004"));
    conflict(harness.wait(harness.store().process(process)));
}

/// The second launch of a key is answered with the first one's process, also when that has settled.
pub fn an_idempotency_key_makes_one_process(harness: &mut Harness) {
    let mut spec = harness.spec(1);
    spec.launch.idempotency_key = Some("2025-06-30".to_owned());
    spec.open = 1;
    let (process, claimed) = harness.launch(&spec);
    assert_eq!(harness.try_launch(&spec), Ok(Launched::Repeated(process)));
    harness.settle(&claimed, ExecutionState::Succeeded);
    harness.change(ProcessChange::Settle {
        process,
        state: ProcessState::Succeeded,
        reason: None,
        at: harness.now(),
    });
    assert_eq!(harness.try_launch(&spec), Ok(Launched::Repeated(process)));
    spec.launch.idempotency_key = Some("2025-07-01".to_owned());
    assert_ne!(harness.launch(&spec).0, process);
}

/// `skip` does nothing while one of the same pipeline and parameters is unfinished.
pub fn overlap_skip_names_the_unfinished_one(harness: &mut Harness) {
    let (first, claimed) = harness.running(1);
    let mut spec = harness.spec(1);
    spec.launch.overlap = Overlap::Skip;
    assert_eq!(harness.try_launch(&spec), Ok(Launched::Skipped(first)));
    let mut other = spec.clone();
    other.launch.overlap_hash = 43;
    let (next, _) = harness.launch(&other);
    let last = claimed.iter().map(|one| one.owned.execution.0).max();
    assert_eq!(Some(next.0 - 1), last, "what is skipped takes no ids");
    harness.settle(&claimed, ExecutionState::Failed);
    assert_eq!(
        harness.try_launch(&spec),
        Ok(Launched::Skipped(first)),
        "only settling the process ends it"
    );
    let state = ProcessState::CompletedWithErrors;
    harness.change(ProcessChange::Settle {
        process: first,
        state,
        reason: None,
        at: harness.now(),
    });
    harness.launch(&spec);
}

/// `queue` waits for the newest unfinished one, which itself may wait for another.
pub fn overlap_queue_waits_for_the_newest(harness: &mut Harness) {
    let (first, claimed) = harness.running(1);
    let mut spec = harness.spec(1);
    spec.launch.overlap = Overlap::Queue;
    spec.entities = vec![entity(7)];
    spec.open = 1;
    let (second, none) = harness.launch(&spec);
    assert!(none.is_empty(), "it must wait");
    spec.launch.overlap = Overlap::CancelRunning;
    spec.entities = vec![entity(8)];
    let (third, none) = harness.launch(&spec);
    assert!(none.is_empty(), "it must wait too");
    assert_eq!(
        (harness.process(second).after, harness.process(third).after),
        (Some(first), Some(second))
    );
    assert!(harness.claim(second, 1).is_empty());
    harness.settle(&claimed, ExecutionState::Succeeded);
    let at = harness.now();
    let (_, report) = harness.change(ProcessChange::Settle {
        process: first,
        state: ProcessState::Succeeded,
        reason: None,
        at,
    });
    assert_eq!(report.woken, [second]);
    assert_eq!(harness.claim(third, 1).len(), 0);
    assert_eq!(harness.claim(second, 1).len(), 1);
}

/// `allow` ignores the other one.
pub fn overlap_allow_runs_beside(harness: &mut Harness) {
    let (first, _) = harness.running(1);
    let mut spec = harness.spec(1);
    spec.entities = vec![entity(5)];
    spec.open = 1;
    let (second, claimed) = harness.launch(&spec);
    assert_ne!(first, second);
    assert_eq!(claimed.len(), 1);
    assert_eq!(harness.process(second).after, None);
}

/// A definition must be kept before it is launched, under its own version.
pub fn an_unknown_definition_is_refused(harness: &mut Harness) {
    let mut spec = harness.spec(1);
    spec.launch.version = Version("0".repeat(32));
    conflict(harness.try_launch(&spec));
    conflict(
        harness.wait(
            harness
                .store()
                .define(&spec.launch.version, &definition(), harness.now()),
        ),
    );
    conflict(harness.wait(harness.store().definition(&spec.launch.version)));
}

/// Ids of processes and executions never repeat, not even each other's or those of removed launches.
pub fn ids_never_repeat_and_survive_reopening(harness: &mut Harness) {
    let mut seen = BTreeSet::new();
    for round in 0..4 {
        let removed = begin(harness, 4);
        assert!(seen.insert(removed.0));
        harness
            .wait(harness.store().abandon(removed))
            .expect("it is removed");
        let (process, claimed) = harness.running(3);
        assert!(
            seen.insert(process.0),
            "process {process} has an id of its own"
        );
        for one in &claimed {
            assert!(
                seen.insert(one.owned.execution.0),
                "execution {} has an id of its own",
                one.owned.execution
            );
        }
        harness.settle(&claimed, ExecutionState::Succeeded);
        if round % 2 == 0 {
            harness.crash();
        }
    }
    assert!(seen.iter().all(|id| (1..ID_LIMIT).contains(id)));
}

/// What is kept is what was given, and so are a process's parameters, targets and folder, for whoever asks.
pub fn definitions_read_back_as_they_were(harness: &mut Harness) {
    let version = harness.version().clone();
    harness
        .wait(
            harness
                .store()
                .define(&version, &definition(), harness.now()),
        )
        .expect("a second time is no change");
    assert_eq!(
        harness.wait(harness.store().definition(&version)),
        Ok(definition())
    );
    let spec = harness.spec(0);
    let (process, _) = harness.launch(&spec);
    harness.crash();
    let row = harness.process(process);
    assert_eq!(
        (row.pipeline, row.version, row.params),
        (spec.launch.pipeline, version, spec.launch.params)
    );
    assert_eq!(
        (row.targets, row.lanes, row.launched_by),
        (spec.launch.targets, 50, spec.launch.launched_by)
    );
    assert_eq!(
        (row.launched_at, row.ended_at, row.own, row.own_state),
        (spec.launch.at, None, None, None)
    );
    assert_eq!(row.folder.as_deref(), Some("/pipelines/conformance"));
    conflict(harness.wait(harness.store().process(ProcessId(ID_LIMIT - 1))));
}

/// Whoever goes on with a process learns where its commands run, or that nobody said it.
pub fn the_folder_of_a_process_is_told_to_its_next_engine(harness: &mut Harness) {
    let mut nowhere = harness.spec(1);
    nowhere.launch.folder = None;
    let folders = BTreeMap::from([
        (
            harness.launch(&harness.spec(1)).0,
            harness.spec(1).launch.folder,
        ),
        (harness.launch(&nowhere).0, None),
    ]);
    let entered = harness.crash();
    let told: BTreeMap<ProcessId, Option<String>> = entered
        .unsettled
        .into_iter()
        .map(|row| (row.id, row.folder))
        .collect();
    assert_eq!(told, folders);
}

/// A whole chunk fits one transaction, and every one of its executions is there.
pub fn a_launch_of_many_is_quick_enough_to_be_one_transaction(harness: &mut Harness) {
    let (process, claimed) = {
        let mut spec = harness.spec(LAUNCH_CHUNK_MAX);
        spec.open = 50;
        harness.launch(&spec)
    };
    assert_eq!(claimed.len(), 50);
    assert_eq!(
        harness.process(process).tally.total,
        LAUNCH_CHUNK_MAX as u64
    );
    let page = harness
        .wait(
            harness
                .store()
                .select(&Selection::Process(process), None, u32::MAX),
        )
        .expect("selecting succeeds");
    assert_eq!(page.len(), LAUNCH_CHUNK_MAX);
    assert!(
        page.windows(2)
            .all(|pair| pair[0].0.execution < pair[1].0.execution)
    );
}

/// A store that is newer than its target gives out ids that the target has not seen.
pub fn ids_start_above_what_targets_bear(harness: &mut Harness) {
    let mut spec = harness.spec(2);
    spec.launch.ids_above = 70_000;
    let launched = harness.wait(
        harness
            .store()
            .launch(&spec.launch, &spec.entities, Some(2)),
    );
    let Ok(Launched::New { process, claimed }) = launched else {
        panic!("a new process was expected, not {launched:?}")
    };
    assert!(
        process.0 > 70_000 && claimed.iter().all(|one| one.owned.execution.0 > 70_000),
        "{process} {claimed:?}"
    );
    spec.launch.ids_above = 5;
    let launched = harness.wait(
        harness
            .store()
            .launch(&spec.launch, &spec.entities, Some(0)),
    );
    let Ok(Launched::New { process: later, .. }) = launched else {
        panic!("a new process was expected, not {launched:?}")
    };
    assert!(
        later.0 > process.0 + 2,
        "ids never go back: {later} after {process}"
    );
}
