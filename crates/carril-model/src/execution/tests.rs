//! The machine against cases and against random histories: whatever happens, in whatever order, an execution ends once,
//! its account adds up, and no step begins before what it depends on has ended.

use super::*;
use crate::contract::StepRow;
use crate::definition::{
    Action, Definition, Effects, Entities, Lanes, RetryOn, RetryPolicy, Scope, Stage, Step,
};
use crate::id::{ExecutionId, ProcessId, Run, Token};
use proptest::prelude::*;
use std::collections::BTreeSet;

pub(super) fn step(name: &str) -> Step {
    Step {
        name: name.to_owned(),
        action: Action::Noop,
        when: None,
        critical: true,
        timeout: Duration::from_secs(1),
        retry: RetryPolicy {
            attempts: 3,
            on: RetryOn::Transient,
            ..RetryPolicy::default()
        },
        resources: Vec::new(),
        on_open: Default::default(),
        fallback: None,
        shared_writes: Vec::new(),
        effects: Effects::ExactlyOnce,
    }
}

pub(super) fn stage(name: &str, per: Scope, parallel: bool, steps: Vec<Step>) -> Stage {
    Stage {
        name: name.to_owned(),
        per,
        parallel,
        when: None,
        steps,
    }
}

pub(super) fn plan(stages: Vec<Stage>) -> Arc<Plan> {
    Arc::new(Plan::new(Definition {
        name: "p".to_owned(),
        description: None,
        params: std::collections::BTreeMap::new(),
        entities: Entities::Given,
        lanes: Lanes::default(),
        workspace: None,
        resources: std::collections::BTreeMap::new(),
        goal: crate::definition::Goal::default(),
        stages,
    }))
}

fn claimed(segment: u32, steps: Vec<StepRow>) -> Claimed {
    let owned = Owned {
        process: ProcessId(1),
        execution: ExecutionId(2),
        run: Run(1),
        token: Token(1),
        per_process: false,
    };
    Claimed {
        owned,
        segment,
        entity_key: Some("A".to_owned()),
        attributes: Map::new(),
        account: TimeAccount::open(Cause::plain(CauseKind::Running), Timestamp(0)),
        fresh: steps.is_empty(),
        steps,
        cancelling: false,
        signals: Vec::new(),
    }
}

pub(super) fn execution(plan: &Arc<Plan>) -> Execution {
    Execution::resume(plan, &Arc::new(Map::new()), claimed(0, Vec::new()))
}

pub(super) fn error(class: ErrorClass) -> StepError {
    StepError::new("CAR0501", class, "no")
}

/// Begins and ends one attempt at `at`.
fn attempt(
    machine: &mut Execution,
    id: u16,
    result: Result<StepDone, StepError>,
    at: i64,
) -> Transition {
    machine
        .begin(StepId(id), Timestamp(at))
        .expect("the step was ordered");
    machine
        .ended(StepId(id), result, Timestamp(at), 1)
        .expect("the step runs")
}

fn states(transition: &Transition) -> Vec<(u16, StepState)> {
    let ends = transition.changes.iter().filter_map(|change| match change {
        Change::StepEnded(end) => Some((end.step.0, end.state)),
        _ => None,
    });
    ends.collect()
}

#[test]
fn steps_of_a_stage_run_one_after_the_other_and_then_it_settles() {
    let plan = plan(vec![stage(
        "s",
        Scope::Entity,
        false,
        vec![step("a"), step("b")],
    )]);
    let mut machine = execution(&plan);
    assert_eq!(
        machine.start(Timestamp(0)).orders,
        [Order::Attempt(StepId(0))]
    );
    assert_eq!(
        attempt(&mut machine, 0, Ok(StepDone::default()), 1).orders,
        [Order::Attempt(StepId(1))]
    );
    assert_eq!(
        attempt(&mut machine, 1, Ok(StepDone::default()), 2).end,
        Some(End::Settled(ExecutionState::Succeeded))
    );
}

#[test]
fn a_parallel_stage_is_judged_when_all_have_ended() {
    let plan = plan(vec![stage(
        "s",
        Scope::Entity,
        true,
        vec![step("a"), step("b")],
    )]);
    let mut machine = execution(&plan);
    assert_eq!(
        machine.start(Timestamp(0)).orders,
        [Order::Attempt(StepId(0)), Order::Attempt(StepId(1))]
    );
    machine.begin(StepId(1), Timestamp(1)).expect("ordered");
    let out = attempt(&mut machine, 0, Err(error(ErrorClass::Permanent)), 2);
    assert_eq!((out.end, out.orders.len()), (None, 0));
    let out = machine
        .ended(StepId(1), Ok(StepDone::default()), Timestamp(3), 1)
        .expect("runs");
    assert_eq!(out.end, Some(End::Settled(ExecutionState::Failed)));
}

#[test]
fn a_transient_failure_backs_off_and_a_permanent_one_does_not() {
    let plan = plan(vec![stage("s", Scope::Entity, false, vec![step("a")])]);
    let mut machine = execution(&plan);
    machine.start(Timestamp(0));
    let out = attempt(&mut machine, 0, Err(error(ErrorClass::Transient)), 1);
    let [Order::Sleep(_, due)] = out.orders[..] else {
        panic!("{out:?}")
    };
    assert_eq!(machine.account().cause().kind, CauseKind::Backoff);
    assert_eq!(
        machine.due(StepId(0), due).orders,
        [Order::Attempt(StepId(0))]
    );
    let out = attempt(
        &mut machine,
        0,
        Err(error(ErrorClass::Permanent)),
        due.0 + 1,
    );
    assert_eq!(out.end, Some(End::Settled(ExecutionState::Failed)));
}

#[test]
fn a_failure_that_does_not_matter_is_a_warning() {
    let soft = Step {
        critical: false,
        ..step("a")
    };
    let plan = plan(vec![stage(
        "s",
        Scope::Entity,
        false,
        vec![soft, step("b")],
    )]);
    let mut machine = execution(&plan);
    machine.start(Timestamp(0));
    assert_eq!(
        attempt(&mut machine, 0, Err(error(ErrorClass::Permanent)), 1).orders,
        [Order::Attempt(StepId(1))]
    );
    let out = attempt(&mut machine, 1, Ok(StepDone::default()), 2);
    assert!(
        matches!(
            out.changes.last(),
            Some(Change::Settled {
                state: ExecutionState::Succeeded,
                warnings: 1,
                ..
            })
        ),
        "{out:?}"
    );
}

#[test]
fn fallbacks_stand_in() {
    let with_value = Step {
        fallback: Some(Fallback::Value(Value::from("x"))),
        ..step("a")
    };
    let with_step = Step {
        fallback: Some(Fallback::Step("c".to_owned())),
        ..step("b")
    };
    let plan = plan(vec![stage(
        "s",
        Scope::Entity,
        false,
        vec![with_value, with_step, step("c")],
    )]);
    let mut machine = execution(&plan);
    machine.start(Timestamp(0));
    let out = attempt(&mut machine, 0, Err(error(ErrorClass::Permanent)), 1);
    assert_eq!(states(&out), [(0, StepState::Succeeded)]);
    assert_eq!(
        attempt(&mut machine, 1, Err(error(ErrorClass::Permanent)), 2).orders,
        [Order::Attempt(StepId(2))]
    );
    let output = StepDone {
        output: Some(Value::from("y")),
        ..StepDone::default()
    };
    assert_eq!(
        attempt(&mut machine, 2, Ok(output), 3).end,
        Some(End::Settled(ExecutionState::Succeeded))
    );
    assert_eq!(machine.context().outputs[&StepId(0)], Value::from("x"));
    assert_eq!(machine.context().outputs[&StepId(1)], Value::from("y"));
}

#[test]
fn entity_lanes_park_before_a_process_stage_only_if_they_go_on_after_it() {
    let stages = vec![
        stage("a", Scope::Entity, false, vec![step("x")]),
        stage("b", Scope::Process, false, vec![step("x")]),
        stage("c", Scope::Entity, false, vec![step("x")]),
    ];
    let plan = plan(stages);
    let mut machine = execution(&plan);
    machine.start(Timestamp(0));
    let out = attempt(&mut machine, 0, Ok(StepDone::default()), 1);
    assert!(matches!(
        out.changes.last(),
        Some(Change::Parked {
            until: crate::contract::Until::Segment(2),
            ..
        })
    ));
    assert_eq!(out.end, Some(End::Parked));
    let done = StepRow {
        step: StepId(0),
        attempt: 1,
        failures: 0,
        state: StepState::Succeeded,
        began: Timestamp(0),
        ended: Some(Timestamp(1)),
        retry_at: None,
        fallback: false,
        output: None,
        rows: Vec::new(),
        error: None,
    };
    let mut machine = Execution::resume(&plan, &Arc::new(Map::new()), claimed(2, vec![done]));
    assert_eq!(
        machine.start(Timestamp(2)).orders,
        [Order::Attempt(StepId(2))]
    );
    assert_eq!(
        attempt(&mut machine, 2, Ok(StepDone::default()), 3).end,
        Some(End::Settled(ExecutionState::Succeeded))
    );
}

#[test]
fn cancel_stops_what_runs_and_settles_once_it_has_stopped() {
    let plan = plan(vec![stage(
        "s",
        Scope::Entity,
        true,
        vec![step("a"), step("b")],
    )]);
    let mut machine = execution(&plan);
    machine.start(Timestamp(0));
    machine.begin(StepId(0), Timestamp(1)).expect("ordered");
    let out = machine.cancel(Timestamp(2));
    assert_eq!((out.orders, out.end), (vec![Order::Stop(StepId(0))], None));
    let out = machine
        .ended(
            StepId(0),
            Err(error(ErrorClass::Cancelled)),
            Timestamp(3),
            1,
        )
        .expect("runs");
    assert_eq!(states(&out), [(0, StepState::Cancelled)]);
    assert_eq!(out.end, Some(End::Settled(ExecutionState::Cancelled)));
}

#[test]
fn a_fenced_attempt_writes_nothing_more() {
    let plan = plan(vec![stage(
        "s",
        Scope::Entity,
        true,
        vec![step("a"), step("b")],
    )]);
    let mut machine = execution(&plan);
    machine.start(Timestamp(0));
    machine.begin(StepId(1), Timestamp(1)).expect("ordered");
    let out = attempt(&mut machine, 0, Err(error(ErrorClass::Fenced)), 2);
    assert_eq!((out.orders, out.end), (vec![Order::Stop(StepId(1))], None));
    let out = machine
        .ended(
            StepId(1),
            Err(error(ErrorClass::Cancelled)),
            Timestamp(3),
            1,
        )
        .expect("runs");
    assert_eq!(out.end, Some(End::Lost));
}

#[test]
fn an_unknown_commit_is_tried_again_whatever_the_policy_says() {
    let never = Step {
        retry: RetryPolicy {
            attempts: 1,
            on: RetryOn::Never,
            ..RetryPolicy::default()
        },
        ..step("a")
    };
    let plan = plan(vec![stage("s", Scope::Entity, false, vec![never])]);
    let mut machine = execution(&plan);
    machine.start(Timestamp(0));
    let out = attempt(&mut machine, 0, Err(error(ErrorClass::OutcomeUnknown)), 1);
    assert_eq!(states(&out), [(0, StepState::Interrupted)]);
    let [Order::Sleep(_, due)] = out.orders[..] else {
        panic!("{out:?}")
    };
    assert_eq!(machine.account().cause().kind, CauseKind::OutcomeUnknown);
    machine.due(StepId(0), due);
    let (call, _) = machine.begin(StepId(0), due).expect("ordered");
    assert!(!call.first && call.attempt == 2);
}

#[test]
fn draining_hands_back_without_spending_an_attempt() {
    let plan = plan(vec![stage(
        "s",
        Scope::Entity,
        false,
        vec![step("a"), step("b")],
    )]);
    let mut machine = execution(&plan);
    machine.start(Timestamp(0));
    machine.begin(StepId(0), Timestamp(1)).expect("ordered");
    assert_eq!(machine.drain(false, Timestamp(2)), Transition::default());
    let out = machine
        .ended(StepId(0), Ok(StepDone::default()), Timestamp(3), 1)
        .expect("runs");
    assert_eq!(states(&out), [(0, StepState::Succeeded)]);
    assert_eq!(out.end, Some(End::Released));
}

/// An attempt that fails while its engine stops has its retries left: the next claim waits for the time that was drawn.
#[test]
fn a_failure_while_draining_is_tried_again_by_the_next_claim() {
    let plan = plan(vec![stage("s", Scope::Entity, false, vec![step("a")])]);
    let mut machine = execution(&plan);
    machine.start(Timestamp(0));
    machine.begin(StepId(0), Timestamp(1)).expect("ordered");
    machine.drain(false, Timestamp(2));
    let out = machine
        .ended(
            StepId(0),
            Err(error(ErrorClass::Transient)),
            Timestamp(3),
            1,
        )
        .expect("runs");
    assert_eq!(out.end, Some(End::Released));
    assert_eq!(out.orders, [], "nothing is waited for any more");
    let mut rows = Vec::new();
    stored(&mut rows, &out);
    let mut next = Execution::resume(&plan, &Arc::new(Map::new()), claimed(0, rows));
    let due = match next.start(Timestamp(10)).orders[..] {
        [Order::Sleep(StepId(0), due)] => due,
        ref other => panic!("{other:?}"),
    };
    assert_eq!(next.due(StepId(0), due).orders, [Order::Attempt(StepId(0))]);
}

/// A slot that comes after the lane was asked to stop begins nothing, although another step still runs.
#[test]
fn a_step_that_was_stopped_while_it_waited_does_not_begin() {
    for draining in [false, true] {
        let plan = plan(vec![stage(
            "s",
            Scope::Entity,
            true,
            vec![step("a"), step("b")],
        )]);
        let mut machine = execution(&plan);
        machine.start(Timestamp(0));
        machine.begin(StepId(0), Timestamp(1)).expect("ordered");
        machine.waits_for(
            StepId(1),
            Cause::about(CauseKind::Slot, "api"),
            Timestamp(1),
        );
        if draining {
            machine.drain(false, Timestamp(2));
        } else {
            machine.cancel(Timestamp(2));
        }
        assert!(machine.begin(StepId(1), Timestamp(3)).is_err());
    }
}

#[test]
fn fallbacks_of_fallbacks_stand_in_one_after_the_other() {
    let falls_to = |name: &str, fallback: &str| Step {
        fallback: Some(Fallback::Step(fallback.to_owned())),
        ..step(name)
    };
    let steps = vec![falls_to("a", "b"), falls_to("b", "c"), step("c"), step("d")];
    let plan = plan(vec![stage("s", Scope::Entity, false, steps)]);
    let no = || Err(error(ErrorClass::Permanent));
    let mut machine = execution(&plan);
    machine.start(Timestamp(0));
    let out = attempt(&mut machine, 0, no(), 1);
    assert_eq!(out.orders, [Order::Attempt(StepId(1))]);
    let out = attempt(&mut machine, 1, no(), 2);
    assert_eq!(out.orders, [Order::Attempt(StepId(2))]);
    let mut unlucky = machine.clone();
    let output = StepDone {
        output: Some(Value::from("c")),
        ..StepDone::default()
    };
    let out = attempt(&mut machine, 2, Ok(output), 3);
    assert_eq!(out.orders, [Order::Attempt(StepId(3))]);
    assert_eq!(machine.context().outputs[&StepId(0)], Value::from("c"));
    let out = attempt(&mut unlucky, 2, no(), 3);
    let Some(Change::Settled { error, .. }) = out.changes.last() else {
        panic!("{out:?}")
    };
    let deciding = error.as_ref().map(|(step, _)| *step);
    assert_eq!(deciding, Some(StepId(2)), "the last one decides");
}

/// A workspace is missed only where a step has worked in it.
#[test]
fn a_call_says_whether_the_workspace_must_be_there() {
    let sql = |name: &str, shared: bool| Step {
        action: Action::Sql {
            target: "w".to_owned(),
            sql: crate::definition::SqlText {
                start: None,
                file: name.to_owned(),
                text: "select 1".to_owned(),
            },
        },
        shared_writes: shared.then(|| "t".to_owned()).into_iter().collect(),
        ..step(name)
    };
    let instead = Step {
        fallback: Some(Fallback::Value(Value::from(1))),
        ..sql("b", false)
    };
    let steps = vec![sql("a", true), instead, sql("c", false), sql("d", false)];
    let mut definition = plan(vec![stage("s", Scope::Entity, false, steps)])
        .written()
        .clone();
    definition.workspace = Some(crate::definition::Workspace {
        target: "w".to_owned(),
        isolation: crate::definition::Isolation::Own,
        tables: vec!["t".to_owned()],
        publish: Vec::new(),
        synchronous: crate::definition::Synchronous::Full,
        keep: crate::definition::Keep::Failed,
    });
    let plan = Arc::new(Plan::new(definition));
    let mut machine = execution(&plan);
    let mut rows = Vec::new();
    machine.start(Timestamp(0));
    let late = Timestamp(9_000_000);
    let results = [
        Ok(StepDone::default()),
        Err(error(ErrorClass::Permanent)),
        Err(error(ErrorClass::Transient)),
        Ok(StepDone::default()),
    ];
    for (id, result) in [0, 1, 2, 2].into_iter().zip(results) {
        machine.due(StepId(id), late);
        let (call, _) = machine.begin(StepId(id), late).expect("ordered");
        assert!(!call.has_workspace, "before {id} nothing has worked in it");
        let out = machine.ended(StepId(id), result, late, 1);
        stored(&mut rows, &out.expect("it runs"));
    }
    let again = Claimed {
        fresh: false,
        ..claimed(0, rows)
    };
    let mut resumed = Execution::resume(&plan, &Arc::new(Map::new()), again);
    resumed.start(late);
    for mut machine in [machine, resumed] {
        let begun = machine.begin(StepId(3), late);
        assert!(begun.expect("ordered").0.has_workspace);
    }
}

#[test]
fn a_fallback_stands_in_for_a_step_whose_condition_cannot_be_evaluated() {
    let unclear = Step {
        when: Some(crate::expression::Expression::parse("entity.missing").expect("it compiles")),
        fallback: Some(Fallback::Step("b".to_owned())),
        ..step("a")
    };
    for parallel in [false, true] {
        let steps = vec![unclear.clone(), step("b")];
        let plan = plan(vec![stage("s", Scope::Entity, parallel, steps)]);
        let mut machine = execution(&plan);
        let out = machine.start(Timestamp(0));
        assert_eq!(states(&out), [(0, StepState::Failed)]);
        assert_eq!(
            (out.orders, out.end),
            (vec![Order::Attempt(StepId(1))], None)
        );
        assert_eq!(
            attempt(&mut machine, 1, Ok(StepDone::default()), 1).end,
            Some(End::Settled(ExecutionState::Succeeded))
        );
    }
}

#[test]
fn what_stood_in_is_seen_under_the_others_name_after_a_crash_too() {
    let with_step = Step {
        fallback: Some(Fallback::Step("b".to_owned())),
        ..step("a")
    };
    let plan = plan(vec![
        stage("s", Scope::Entity, false, vec![with_step, step("b")]),
        stage("t", Scope::Entity, false, vec![step("c")]),
    ]);
    let mut machine = execution(&plan);
    let mut rows = Vec::new();
    machine.start(Timestamp(0));
    let output = StepDone {
        output: Some(Value::from("y")),
        ..StepDone::default()
    };
    for (id, result) in [(0, Err(error(ErrorClass::Permanent))), (1, Ok(output))] {
        let out = attempt(&mut machine, id, result, 1);
        stored(&mut rows, &out);
    }
    let again = Claimed {
        fresh: false,
        ..claimed(0, rows)
    };
    let resumed = Execution::resume(&plan, &Arc::new(Map::new()), again);
    assert_eq!(resumed.context().outputs, machine.context().outputs);
    assert_eq!(resumed.context().outputs[&StepId(0)], Value::from("y"));
}

/// What a random history does to the step whose turn it is.
#[derive(Debug, Clone)]
enum Luck {
    Succeeds,
    Fails(ErrorClass),
    CrashesBefore,
    Cancels,
}

fn luck() -> impl Strategy<Value = Luck> {
    let classes = prop_oneof![
        Just(ErrorClass::Transient),
        Just(ErrorClass::Permanent),
        Just(ErrorClass::Timeout),
        Just(ErrorClass::OutcomeUnknown)
    ];
    prop_oneof![6 => Just(Luck::Succeeds), 3 => classes.prop_map(Luck::Fails), 1 => Just(Luck::CrashesBefore), 1 => Just(Luck::Cancels)]
}

/// What the store would hold of the run.
fn stored(rows: &mut Vec<StepRow>, transition: &Transition) {
    for change in &transition.changes {
        if let Change::StepEnded(end) = change {
            rows.retain(|row| row.step != end.step);
            rows.push(StepRow {
                step: end.step,
                attempt: end.attempt,
                failures: end.failures,
                state: end.state,
                began: end.began,
                ended: Some(end.ended),
                retry_at: end.retry_at,
                fallback: end.fallback,
                rows: Vec::new(),
                output: end.output.clone(),
                error: end.error.clone(),
            });
        }
    }
}

proptest! {
    #[test]
    fn any_history_ends_once_and_in_order(lucks in prop::collection::vec(luck(), 1..80), parallel: bool, critical: bool) {
        let middle = Step { critical, ..step("b") };
        let plan = plan(vec![stage("s", Scope::Entity, false, vec![step("a"), middle]), stage("t", Scope::Entity, parallel, vec![step("c"), step("d")])]);
        let mut machine = execution(&plan);
        let mut rows = Vec::new();
        let mut now = 0;
        let mut transition = machine.start(Timestamp(0));
        let mut wanted: Vec<Order> = transition.orders.clone();
        let mut succeeded = BTreeSet::new();
        for luck in lucks {
            if transition.end.is_some() { break }
            let Some(order) = wanted.pop() else { break };
            now += 10;
            let Order::Attempt(id) = order else {
                if let Order::Sleep(id, due) = order {
                    now = now.max(due.0);
                    transition = machine.due(id, Timestamp(now));
                    wanted.extend(transition.orders.iter().copied());
                }
                continue;
            };
            if id.0 >= 2 { prop_assert!(succeeded.contains(&0), "c and d only follow a") }
            prop_assert!(!succeeded.contains(&id.0), "no step succeeds twice");
            match luck {
                Luck::CrashesBefore => {
                    machine = Execution::resume(&plan, &Arc::new(Map::new()), Claimed { fresh: false, ..claimed(0, rows.clone()) });
                    wanted.clear();
                    transition = machine.start(Timestamp(now));
                }
                Luck::Cancels => transition = machine.cancel(Timestamp(now)),
                Luck::Succeeds => {
                    transition = attempt(&mut machine, id.0, Ok(StepDone::default()), now);
                    succeeded.insert(id.0);
                }
                Luck::Fails(class) => transition = attempt(&mut machine, id.0, Err(error(class)), now),
            }
            stored(&mut rows, &transition);
            wanted.extend(transition.orders.iter().copied());
        }
        // The quiet phase: from here on everything succeeds, and it must end.
        let mut left = 50;
        while transition.end.is_none() {
            left -= 1;
            prop_assert!(left > 0, "it never ended");
            let order = wanted.pop();
            prop_assert!(order.is_some(), "nothing to do and not ended");
            now += 10;
            transition = match order {
                Some(Order::Attempt(id)) => attempt(&mut machine, id.0, Ok(StepDone::default()), now),
                Some(Order::Sleep(id, due)) => { now = now.max(due.0); machine.due(id, Timestamp(now)) }
                _ => continue,
            };
            wanted.extend(transition.orders.iter().copied());
        }
        let settles = transition.changes.iter().filter(|change| matches!(change, Change::Settled { .. })).count();
        prop_assert_eq!(settles, 1);
        prop_assert!(machine.account().total_micros(Timestamp(now)) >= 0);
    }
}

#[test]
fn whoever_was_called_says_how_soon_the_next_attempt_may_be() {
    for (asked, wait) in [
        (None, None),
        (Some(Duration::from_secs(90)), Some(90_000_000)),
        (Some(Duration::MAX), Some(3_600_000_000)),
    ] {
        let plan = plan(vec![stage("s", Scope::Entity, false, vec![step("a")])]);
        let mut machine = execution(&plan);
        machine.start(Timestamp(0));
        let mut failure = error(ErrorClass::Transient);
        failure.retry_after = asked;
        let out = attempt(&mut machine, 0, Err(failure), 1_000);
        let due = out.changes.iter().find_map(|change| match change {
            Change::StepEnded(end) => end.retry_at,
            _ => None,
        });
        let due = due.expect("it is tried again").0 - 1_000;
        match wait {
            Some(wait) => assert_eq!(due, wait),
            None => assert!(due < 90_000_000, "{due}"),
        }
    }
}
