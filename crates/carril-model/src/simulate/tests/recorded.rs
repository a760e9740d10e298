//! A process that ran in virtual time, recorded, and played again: with its own numbers to the microsecond, and with others as it
//! runs with those.

use crate::account::{Cause, CauseKind, TimeAccount};
use crate::contract::{AttemptRow, ExecutionRow, ProcessRow, Tally};
use crate::definition::{
    Action, Definition, Effects, Entities, Goal, Lanes, Resource, RetryPolicy, Scope, Stage, Step,
    Version,
};
use crate::id::{ExecutionId, ProcessId, Run};
use crate::plan::Plan;
use crate::simulate::{Doubt, NotRecorded, Numbers, Recorder, Recording, check, predict};
use crate::state::{ExecutionState, ProcessState, StepState};
use crate::time::Timestamp;
use proptest::prelude::*;
use serde_json::Map;
use std::collections::BTreeMap;
use std::time::Duration;

const LAUNCHED: i64 = 1_000_000;
/// Between two attempts of a lane, for the journal.
const GAP: i64 = 7;
/// From the launch to the first lanes, and from the last end to that of the process.
const AROUND: i64 = 40;

fn step(name: &str, resource: Option<&str>) -> Step {
    Step {
        name: name.to_owned(),
        action: Action::Noop,
        when: None,
        critical: true,
        timeout: Duration::from_secs(1),
        retry: RetryPolicy::default(),
        resources: resource.into_iter().map(str::to_owned).collect(),
        on_open: crate::definition::OnOpen::default(),
        fallback: None,
        shared_writes: Vec::new(),
        effects: Effects::AtLeastOnce,
    }
}

/// Two steps one after the other; the second uses `feed`.
fn plan(slots: u32) -> Plan {
    let stage = |name: &str, resource| Stage {
        name: name.to_owned(),
        per: Scope::Entity,
        parallel: false,
        when: None,
        steps: vec![step("only", resource)],
    };
    Plan::new(Definition {
        name: "p".to_owned(),
        description: None,
        params: BTreeMap::new(),
        entities: Entities::Given,
        lanes: Lanes::default(),
        workspace: None,
        resources: [("feed".to_owned(), Resource::slots(slots))].into(),
        goal: Goal::default(),
        stages: vec![stage("read", None), stage("fetch", Some("feed"))],
    })
}

fn process(lanes: u32, ended: i64) -> ProcessRow {
    ProcessRow {
        id: ProcessId(1),
        pipeline: "p".to_owned(),
        version: Version("0".repeat(32)),
        params: Map::new(),
        state: ProcessState::Succeeded,
        reason: None,
        cancelling: None,
        reopened: false,
        segment: 0,
        open: 0,
        waiting: 0,
        lanes,
        after: None,
        own: None,
        own_state: None,
        own_segment: None,
        tally: Tally::default(),
        targets: BTreeMap::new(),
        folder: None,
        priority: 0,
        launched_by: "test".to_owned(),
        launched_at: Timestamp(LAUNCHED),
        ended_at: Some(Timestamp(ended)),
    }
}

fn attempt(execution: i64, stage: &str, began: i64, ended: i64, waited: i64) -> AttemptRow {
    let slot = Cause::about(CauseKind::Slot, "feed");
    AttemptRow {
        execution: ExecutionId(execution),
        run: Run(1),
        stage: stage.to_owned(),
        step: "only".to_owned(),
        attempt: 1,
        state: StepState::Succeeded,
        began: Timestamp(began),
        ended: Some(Timestamp(ended)),
        retry_at: None,
        fallback: false,
        carried_from: None,
        reason: None,
        rows: Vec::new(),
        output: None,
        error: None,
        waits: (waited > 0).then_some((slot, waited)).into_iter().collect(),
        node: None,
    }
}

fn execution(id: i64, started: i64, ended: i64) -> ExecutionRow {
    ExecutionRow {
        id: ExecutionId(id),
        process: ProcessId(1),
        entity: Some(id.to_string()),
        attributes: Map::new(),
        run: Run(1),
        state: ExecutionState::Succeeded,
        segment: 0,
        behind: None,
        rolling_back: false,
        cancelling: false,
        account: TimeAccount::open(Cause::plain(CauseKind::Running), Timestamp(ended)),
        launched_at: Timestamp(LAUNCHED),
        started_at: Some(Timestamp(started)),
        ended_at: Some(Timestamp(ended)),
        failed_step: None,
        error: None,
        warnings: 0,
    }
}

/// One lane's life.
#[derive(Debug, Clone, Copy, Default)]
struct Life {
    started: i64,
    read: (i64, i64),
    asked: i64,
    fetch: (i64, i64),
    ended: i64,
}

/// Where an execution is: what it does until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Pending,
    Beginning(i64),
    Reading(i64),
    Asking(i64),
    Waiting,
    Fetching(i64),
    Ending(i64),
    Over,
}

/// Runs the work in virtual time, instant by instant: an engine of a few lines, and nothing of the model's.
fn run(work: &[(i64, i64)], lanes: usize, slots: usize) -> Vec<Life> {
    let mut lives = vec![Life::default(); work.len()];
    let mut at = vec![At::Pending; work.len()];
    let (mut lanes, mut slots) = (lanes, slots);
    let mut now = LAUNCHED + AROUND;
    while at.iter().any(|one| *one != At::Over) {
        for (n, life) in lives.iter_mut().enumerate() {
            at[n] = match at[n] {
                At::Beginning(until) if until == now => {
                    life.read = (now, now + work[n].0);
                    At::Reading(life.read.1)
                }
                At::Reading(until) if until == now => At::Asking(now + GAP),
                At::Asking(until) if until == now => {
                    life.asked = now;
                    At::Waiting
                }
                At::Fetching(until) if until == now => {
                    slots += 1;
                    At::Ending(now + GAP)
                }
                At::Ending(until) if until == now => {
                    life.ended = now;
                    lanes += 1;
                    At::Over
                }
                other => other,
            };
        }
        while slots > 0
            && let Some(n) = (0..work.len())
                .filter(|n| at[*n] == At::Waiting)
                .min_by_key(|n| lives[*n].asked)
        {
            slots -= 1;
            lives[n].fetch = (now, now + work[n].1);
            at[n] = At::Fetching(lives[n].fetch.1);
        }
        while lanes > 0
            && let Some(n) = at.iter().position(|one| *one == At::Pending)
        {
            lanes -= 1;
            lives[n].started = now;
            at[n] = At::Beginning(now + GAP);
        }
        now += 1;
    }
    lives
}

fn took(lives: &[Life]) -> i64 {
    lives.iter().map(|life| life.ended).max().unwrap_or(0) - LAUNCHED + AROUND
}

fn recorded(lives: &[Life], lanes: u32, slots: u32) -> Recording {
    let plan = plan(slots);
    let process = process(lanes, LAUNCHED + took(lives));
    let mut recorder = Recorder::new(&process, &plan, 20).expect("it has ended");
    for (id, life) in (2..).zip(lives) {
        let attempts = [
            attempt(id, "read", life.read.0, life.read.1, 0),
            attempt(
                id,
                "fetch",
                life.fetch.0,
                life.fetch.1,
                life.fetch.0 - life.asked,
            ),
        ];
        recorder.add(&execution(id, life.started, life.ended), &attempts);
    }
    recorder.finish().expect("steps ran").0
}

#[test]
fn half_the_lanes_take_what_they_really_take() {
    let work: Vec<(i64, i64)> = (0..40)
        .map(|n| (1_000 + n * 37 % 500, 200 + n * 53 % 300))
        .collect();
    let full = run(&work, 8, 2);
    let recording = recorded(&full, 8, 2);
    let checked = check(&recording);
    assert_eq!(checked.measured_micros, took(&full));
    assert!(
        checked.off_permille <= 1,
        "the same numbers give the same time: {checked:?}"
    );
    let half = Numbers {
        lanes: 4,
        ..recording.numbers.clone()
    };
    let (model, real) = (predict(&recording, &half).micros, took(&run(&work, 4, 2)));
    assert!(
        model.abs_diff(real) * 100 <= real.unsigned_abs(),
        "model {model}, real {real}"
    );
    let wide = Numbers {
        slots: [("feed".to_owned(), 1)].into(),
        ..half
    };
    let (model, real) = (predict(&recording, &wide).micros, took(&run(&work, 4, 1)));
    assert!(
        model.abs_diff(real) * 100 <= real.unsigned_abs(),
        "model {model}, real {real}"
    );
}

#[test]
fn what_cannot_be_played_is_told() {
    let plan = plan(1);
    let mut running = process(1, 0);
    running.ended_at = None;
    assert_eq!(
        Recorder::new(&running, &plan, 20).err(),
        Some(NotRecorded::Unsettled)
    );
    let ended = process(1, LAUNCHED);
    let empty = Recorder::new(&ended, &plan, 20).expect("it has ended");
    assert_eq!(empty.finish().err(), Some(NotRecorded::Nothing));
}

#[test]
fn time_that_is_not_played_is_a_doubt() {
    let lives = run(&[(1_000, 1_000)], 1, 1);
    let plan = plan(1);
    let process = process(1, LAUNCHED + took(&lives));
    let mut recorder = Recorder::new(&process, &plan, 20).expect("it has ended");
    let mut row = execution(2, lives[0].started, lives[0].ended);
    row.account = TimeAccount::open(Cause::plain(CauseKind::Lock), Timestamp(0));
    row.account
        .switch(Cause::plain(CauseKind::Running), Timestamp(500));
    row.account
        .switch(Cause::plain(CauseKind::Paused), Timestamp(2_000));
    row.account
        .switch(Cause::plain(CauseKind::Running), Timestamp(2_001));
    recorder.add(
        &row,
        &[attempt(2, "read", lives[0].read.0, lives[0].read.1, 0)],
    );
    let (recording, _) = recorder.finish().expect("a step ran");
    assert_eq!(
        recording.doubts,
        [Doubt {
            cause: CauseKind::Lock,
            micros: 500
        }]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever the work: the model is the run, with its own numbers.
    #[test]
    fn the_same_numbers_give_the_same_time(
        work in prop::collection::vec((1..400_i64, 1..200_i64), 1..20),
        lanes in 1_usize..9,
        slots in 1_usize..4,
    ) {
        let lives = run(&work, lanes, slots);
        let wide = u32::try_from(lanes).expect("few");
        let recording = recorded(&lives, wide, u32::try_from(slots).expect("few"));
        let checked = check(&recording);
        prop_assert!(checked.off_permille <= 20, "{:?}", checked);
    }
}
