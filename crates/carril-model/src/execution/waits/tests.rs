//! What steps that wait do, alone and beside others; and that whatever comes, in whatever order, each wait ends once.

use super::super::{Context, Order};
use super::*;
use crate::account::{Cause, CauseKind, TimeAccount};
use crate::contract::{Claimed, Owned, StepRow};
use crate::definition::{
    Action, Definition, Effects, Entities, Lanes, RetryOn, RetryPolicy, Scope, Stage, Step,
};
use crate::expression::Expression;
use crate::id::{ExecutionId, ProcessId, Run, Token};
use crate::state::ExecutionState;
use proptest::prelude::*;
use serde_json::Map;

const HOUR: i64 = 3_600_000_000;
const SECOND: i64 = 1_000_000;

fn step(name: &str, action: Action) -> Step {
    Step {
        name: name.to_owned(),
        action,
        when: None,
        critical: true,
        timeout: Duration::from_secs(60),
        retry: RetryPolicy::never(),
        resources: Vec::new(),
        on_open: crate::definition::OnOpen::default(),
        fallback: None,
        shared_writes: Vec::new(),
        effects: Effects::ExactlyOnce,
    }
}

fn waits(name: &str, until: WaitFor, longest: Option<u64>) -> Step {
    let longest = longest.map(Duration::from_secs);
    step(name, Action::Wait(Wait { until, longest }))
}

fn timer(name: &str, seconds: u64) -> Step {
    waits(name, WaitFor::Span(Duration::from_secs(seconds)), None)
}

fn signal(name: &str, longest: Option<u64>) -> Step {
    waits(name, WaitFor::Signal(name.to_owned()), longest)
}

fn moment(text: &str, longest: Option<u64>) -> Step {
    waits(
        "m",
        WaitFor::Moment(Expression::from(text.to_owned())),
        longest,
    )
}

fn noop(name: &str) -> Step {
    step(name, Action::Noop)
}

/// One stage per list of steps, in parallel where it is said so.
fn plan(stages: Vec<(bool, Vec<Step>)>) -> Arc<Plan> {
    let stages = stages.into_iter().enumerate();
    let stages = stages.map(|(at, (parallel, steps))| Stage {
        name: format!("s{at}"),
        per: Scope::Entity,
        parallel,
        when: None,
        steps,
    });
    Arc::new(Plan::new(Definition {
        name: "p".to_owned(),
        description: None,
        params: std::collections::BTreeMap::new(),
        entities: Entities::Given,
        lanes: Lanes::default(),
        workspace: None,
        resources: std::collections::BTreeMap::new(),
        goal: crate::definition::Goal::default(),
        stages: stages.collect(),
    }))
}

/// What a store would keep of one execution.
struct Kept {
    plan: Arc<Plan>,
    rows: Vec<StepRow>,
    signals: Vec<Signal>,
    account: TimeAccount,
    token: i64,
}

impl Kept {
    fn new(plan: &Arc<Plan>) -> Self {
        Self {
            plan: Arc::clone(plan),
            rows: Vec::new(),
            signals: Vec::new(),
            account: TimeAccount::open(Cause::plain(CauseKind::Queued), Timestamp(0)),
            token: 0,
        }
    }

    fn send(&mut self, key: &str, data: Value, at: i64) {
        let number = 1 + self
            .signals
            .iter()
            .map(|signal| signal.number)
            .max()
            .unwrap_or(0);
        self.signals.push(Signal {
            number,
            key: key.to_owned(),
            data,
            run: Run(1),
            sent_by: "ana".to_owned(),
            sent_at: Timestamp(at),
        });
    }

    /// Claims it, as of `at`.
    fn claim(&mut self, at: i64) -> Execution {
        self.token += 1;
        self.account
            .switch(Cause::plain(CauseKind::Running), Timestamp(at));
        let claimed = Claimed {
            owned: Owned {
                process: ProcessId(1),
                execution: ExecutionId(2),
                run: Run(1),
                token: Token(self.token),
                per_process: false,
            },
            segment: 0,
            entity_key: Some("A".to_owned()),
            attributes: Map::new(),
            account: self.account.clone(),
            fresh: self.token == 1,
            steps: self.rows.clone(),
            cancelling: false,
            signals: self.signals.clone(),
        };
        Execution::resume(&self.plan, &Arc::new(Map::new()), claimed)
    }

    fn keep(&mut self, transition: &Transition) {
        for change in &transition.changes {
            let row = match change {
                Change::StepEnded(end) => StepRow {
                    step: end.step,
                    attempt: end.attempt,
                    failures: end.failures,
                    state: end.state,
                    began: end.began,
                    ended: Some(end.ended),
                    retry_at: end.retry_at,
                    fallback: end.fallback,
                    output: end.output.clone(),
                    rows: Vec::new(),
                    error: end.error.clone(),
                },
                Change::StepWaits {
                    step,
                    attempt,
                    began,
                    until,
                    ..
                } => StepRow {
                    step: *step,
                    attempt: *attempt,
                    failures: 0,
                    state: StepState::Waiting,
                    began: *began,
                    ended: None,
                    retry_at: *until,
                    fallback: false,
                    output: None,
                    rows: Vec::new(),
                    error: None,
                },
                Change::SignalTaken { signal, .. } => {
                    let before = self.signals.len();
                    self.signals.retain(|kept| kept.number != *signal);
                    assert_eq!(self.signals.len() + 1, before, "a signal is taken once");
                    continue;
                }
                Change::Parked { account, .. }
                | Change::Settled { account, .. }
                | Change::Released { account } => {
                    self.account = account.clone();
                    continue;
                }
                _ => continue,
            };
            self.rows.retain(|kept| kept.step != row.step);
            self.rows.push(row);
        }
    }
}

fn parked(transition: &Transition) -> Option<(Option<i64>, Vec<String>, String)> {
    transition.changes.iter().find_map(|change| match change {
        Change::Parked {
            until: Until::Woken { at, keys },
            account,
        } => Some((at.map(|at| at.0), keys.clone(), account.cause().to_string())),
        _ => None,
    })
}

fn settled(transition: &Transition) -> Option<ExecutionState> {
    match transition.end {
        Some(End::Settled(state)) => Some(state),
        _ => None,
    }
}

fn failure(transition: &Transition) -> Option<(String, String)> {
    transition.changes.iter().find_map(|change| match change {
        Change::StepEnded(end) => end
            .error
            .as_ref()
            .map(|error| (error.code.clone(), error.message.clone())),
        _ => None,
    })
}

fn context(machine: &Execution) -> &Context {
    machine.context()
}

#[test]
fn a_timer_parks_until_it_is_due_and_then_goes_on() {
    let plan = plan(vec![(false, vec![timer("t", 3_600), noop("n")])]);
    let mut kept = Kept::new(&plan);
    let out = kept.claim(5).start(Timestamp(7));
    assert_eq!(
        parked(&out),
        Some((Some(7 + HOUR), Vec::new(), "timer".to_owned()))
    );
    assert_eq!(out.end, Some(End::Parked));
    assert!(out.orders.is_empty(), "nobody sleeps in a lane");
    kept.keep(&out);
    // Woken too early, by whatever it was, it parks again for the same moment.
    let out = kept.claim(HOUR / 2).start(Timestamp(HOUR / 2));
    assert_eq!(parked(&out).map(|(at, ..)| at), Some(Some(7 + HOUR)));
    kept.keep(&out);
    let out = kept.claim(8 + HOUR).start(Timestamp(9 + HOUR));
    assert_eq!(out.orders, [Order::Attempt(StepId(1))]);
    let waited = out.changes.iter().find_map(|change| match change {
        Change::Waited { from, until, .. } => Some((from.0, until.0)),
        _ => None,
    });
    assert_eq!(waited, Some((7, 9 + HOUR)), "one wait for the trace");
}

#[test]
fn a_wait_shorter_than_a_second_stays_in_its_lane() {
    let short = WaitFor::Span(Duration::from_millis(300));
    let plan = plan(vec![(false, vec![waits("t", short, None)])]);
    let mut machine = Kept::new(&plan).claim(0);
    let out = machine.start(Timestamp(0));
    assert_eq!(out.orders, [Order::Sleep(StepId(0), Timestamp(300_000))]);
    let out = machine.due(StepId(0), Timestamp(300_000));
    assert_eq!(settled(&out), Some(ExecutionState::Succeeded));
}

#[test]
fn a_moment_in_the_past_goes_on_at_once() {
    let plan = plan(vec![(
        false,
        vec![moment("\"1970-01-01T00:00:01Z\"", None), noop("n")],
    )]);
    let mut kept = Kept::new(&plan);
    let out = kept.claim(2 * SECOND).start(Timestamp(2 * SECOND));
    assert_eq!(out.orders, [Order::Attempt(StepId(1))]);
    let waits = |change: &Change| matches!(change, Change::StepWaits { .. });
    assert!(!out.changes.iter().any(waits), "it never waited");
}

#[test]
fn a_moment_later_than_the_longest_wait_fails_when_that_is_over() {
    let plan = plan(vec![(
        false,
        vec![moment("\"1970-01-01T02:00:00Z\"", Some(60))],
    )]);
    let mut kept = Kept::new(&plan);
    let out = kept.claim(0).start(Timestamp(0));
    assert_eq!(parked(&out).map(|(at, ..)| at), Some(Some(60 * SECOND)));
    kept.keep(&out);
    let out = kept.claim(60 * SECOND).start(Timestamp(60 * SECOND));
    assert_eq!(
        failure(&out).map(|(code, _)| code),
        Some("CAR0535".to_owned())
    );
    assert_eq!(settled(&out), Some(ExecutionState::Failed));
}

#[test]
fn what_is_no_moment_fails_and_says_why() {
    for (text, part) in [
        ("\"2026-03-01\"", "neither an offset nor a zone"),
        ("5", "gives 5, and a moment is text"),
        ("entity.when", "entity.when"),
    ] {
        let plan = plan(vec![(false, vec![moment(text, None)])]);
        let out = Kept::new(&plan).claim(0).start(Timestamp(0));
        let (code, message) = failure(&out).expect(text);
        assert_eq!(code, "CAR0537");
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_signal_that_came_before_is_taken_once_and_is_the_output() {
    let plan = plan(vec![(
        false,
        vec![
            signal("go", None),
            Step {
                name: "again".to_owned(),
                ..signal("go", None)
            },
        ],
    )]);
    let mut kept = Kept::new(&plan);
    kept.send("signal:go", json!({ "n": 1 }), 1);
    kept.send("signal:other", json!(2), 2);
    let mut machine = kept.claim(5);
    let out = machine.start(Timestamp(6));
    kept.keep(&out);
    assert_eq!(
        context(&machine).outputs.get(&StepId(0)),
        Some(&json!({ "n": 1 }))
    );
    let (at, keys, cause) = parked(&out).expect("the second wait has none left");
    assert_eq!((at, keys), (None, vec!["signal:go".to_owned()]));
    assert_eq!(cause, "signal(go)");
    kept.send("signal:go", json!(3), 50);
    let mut machine = kept.claim(60);
    let out = machine.start(Timestamp(61));
    assert_eq!(settled(&out), Some(ExecutionState::Succeeded));
    assert_eq!(context(&machine).outputs.get(&StepId(1)), Some(&json!(3)));
}

#[test]
fn a_signal_in_time_counts_however_late_it_is_looked_at() {
    let plan = plan(vec![(false, vec![signal("go", Some(5))])]);
    for (sent, state) in [
        (5 * SECOND, ExecutionState::Succeeded),
        (5 * SECOND + 1, ExecutionState::Failed),
    ] {
        let mut kept = Kept::new(&plan);
        let out = kept.claim(0).start(Timestamp(0));
        kept.keep(&out);
        kept.send("signal:go", Value::Null, sent);
        let out = kept.claim(HOUR).start(Timestamp(HOUR));
        assert_eq!(settled(&out), Some(state), "sent at {sent}");
    }
}

#[test]
fn a_wait_that_ran_out_is_what_its_fallback_is_for() {
    let stands_in = Step {
        fallback: Some(Fallback::Step("n".to_owned())),
        ..signal("go", Some(5))
    };
    let plan = plan(vec![(false, vec![stands_in, noop("n")])]);
    let mut kept = Kept::new(&plan);
    let out = kept.claim(0).start(Timestamp(0));
    assert_eq!(parked(&out).map(|(at, ..)| at), Some(Some(5 * SECOND)));
    kept.keep(&out);
    let out = kept.claim(5 * SECOND).start(Timestamp(5 * SECOND));
    assert_eq!(out.orders, [Order::Attempt(StepId(1))]);
    let (code, message) = failure(&out).expect("it ran out");
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("CAR0535", "no signal `go` came within 5s")
    );
}

fn approval() -> Step {
    waits(
        "ask",
        WaitFor::Approval("send {entity_key}?".to_owned()),
        None,
    )
}

#[test]
fn a_person_approves_or_rejects() {
    let plan = plan(vec![(false, vec![approval()])]);
    for (approved, state) in [
        (true, ExecutionState::Succeeded),
        (false, ExecutionState::Failed),
    ] {
        let mut kept = Kept::new(&plan);
        let out = kept.claim(0).start(Timestamp(0));
        let asked = out.changes.iter().find_map(|change| match change {
            Change::StepWaits { question, .. } => question.clone(),
            _ => None,
        });
        assert_eq!(asked.as_deref(), Some("send A?"));
        assert_eq!(
            parked(&out).map(|(.., cause)| cause),
            Some("approval(s0/ask)".to_owned())
        );
        kept.keep(&out);
        let word = json!({ "approved": approved, "reason": "late" });
        kept.send("approval:s0/ask", word, SECOND);
        let mut machine = kept.claim(2 * SECOND);
        let out = machine.start(Timestamp(2 * SECOND));
        assert_eq!(settled(&out), Some(state));
        if approved {
            let output = json!({ "by": "ana", "reason": "late", "at": "1970-01-01T00:00:01Z" });
            assert_eq!(context(&machine).outputs.get(&StepId(0)), Some(&output));
        } else {
            let told = ("CAR0536".to_owned(), "rejected by ana: late".to_owned());
            assert_eq!(failure(&out), Some(told));
        }
    }
}

#[test]
fn a_word_of_an_earlier_run_is_no_answer() {
    let plan = plan(vec![(false, vec![approval()])]);
    let mut kept = Kept::new(&plan);
    kept.send("approval:s0/ask", json!({ "approved": true }), 1);
    kept.signals[0].run = Run(0);
    let out = kept.claim(5).start(Timestamp(5));
    assert!(parked(&out).is_some());
}

#[test]
fn a_lane_parks_only_when_nothing_else_of_it_runs() {
    let plan = plan(vec![(
        true,
        vec![timer("t", 7_200), noop("n"), signal("go", Some(3_600))],
    )]);
    let mut kept = Kept::new(&plan);
    let mut machine = kept.claim(0);
    let out = machine.start(Timestamp(0));
    kept.keep(&out);
    assert_eq!(parked(&out), None);
    assert!(out.orders.contains(&Order::Attempt(StepId(1))));
    machine
        .begin(StepId(1), Timestamp(1))
        .expect("it was ordered");
    let out = machine
        .ended(StepId(1), Ok(StepDone::default()), Timestamp(2), 1)
        .expect("it runs");
    let (at, keys, cause) = parked(&out).expect("only waiting is left");
    assert_eq!(at, Some(HOUR), "the earliest of both");
    assert_eq!(keys, ["signal:go"]);
    assert_eq!(cause, "timer", "that of the first step that waits");
}

#[test]
fn a_long_backoff_parks_and_a_short_one_does_not() {
    for (after, parks) in [(Some(Duration::from_secs(3_000)), true), (None, false)] {
        let tried = Step {
            retry: RetryPolicy {
                attempts: 3,
                on: RetryOn::Transient,
                ..RetryPolicy::default()
            },
            ..noop("n")
        };
        let plan = plan(vec![(false, vec![tried])]);
        let mut kept = Kept::new(&plan);
        let mut machine = kept.claim(0);
        machine.start(Timestamp(0));
        machine
            .begin(StepId(0), Timestamp(0))
            .expect("it was ordered");
        let mut error = StepError::new("CAR0501", ErrorClass::Transient, "no");
        error.retry_after = after;
        let out = machine
            .ended(StepId(0), Err(error), Timestamp(10), 1)
            .expect("it runs");
        kept.keep(&out);
        let told = parked(&out);
        assert_eq!(told.is_some(), parks);
        if let Some((at, keys, cause)) = told {
            assert_eq!(
                (at, keys.len(), cause.as_str()),
                (Some(10 + 3_000 * SECOND), 0, "backoff")
            );
            let again = kept.claim(3_001 * SECOND).start(Timestamp(3_001 * SECOND));
            assert_eq!(
                again.orders,
                [Order::Sleep(StepId(0), Timestamp(10 + 3_000 * SECOND))]
            );
        }
    }
}

#[test]
fn who_is_cancelled_in_its_lane_waits_no_more() {
    let plan = plan(vec![(true, vec![timer("t", 7_200), noop("n")])]);
    let mut machine = Kept::new(&plan).claim(0);
    machine.start(Timestamp(0));
    let out = machine.cancel(Timestamp(5));
    assert_eq!(settled(&out), Some(ExecutionState::Cancelled));
    let ended = out.changes.iter().find_map(|change| match change {
        Change::StepEnded(end) => Some((end.step, end.state)),
        _ => None,
    });
    assert_eq!(ended, Some((StepId(0), StepState::Cancelled)));
}

/// What happens next to an execution of the random histories.
#[derive(Debug, Clone)]
enum Event {
    Signal,
    Approve(bool),
    /// It is claimed, whether or not anybody woke it, after this many seconds.
    Claim(i64),
    /// Its engine dies while it is in a lane.
    Crash,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => Just(Event::Signal),
        2 => any::<bool>().prop_map(Event::Approve),
        5 => (0_i64..4_000).prop_map(Event::Claim),
        1 => Just(Event::Crash),
    ]
}

proptest! {
    #[test]
    fn whatever_comes_every_wait_ends_once(events in prop::collection::vec(event(), 0..40), parallel: bool) {
        let mine = vec![timer("t", 1_800), signal("go", Some(600)), Step { critical: false, ..approval() }, signal("go2", None)];
        let plan = plan(vec![(parallel, mine), (false, vec![noop("n")])]);
        let mut kept = Kept::new(&plan);
        let mut now = 0;
        let mut ends = std::collections::BTreeMap::new();
        let tail = (0..12).flat_map(|_| [Event::Claim(3_600), Event::Approve(true)]);
        // In the end all that it may wait for is there.
        kept.send("signal:go2", Value::Null, 0);
        for event in events.into_iter().chain(tail) {
            let mut machine = match event {
                Event::Signal => { kept.send("signal:go", Value::Null, now); continue; }
                Event::Approve(approved) => { kept.send("approval:s0/ask", json!({ "approved": approved }), now); continue; }
                Event::Crash => { let _ = kept.claim(now).start(Timestamp(now)); continue; }
                Event::Claim(wait) => { now += wait * SECOND; kept.claim(now) }
            };
            let mut out = machine.start(Timestamp(now));
            loop {
                for change in &out.changes {
                    if let Change::StepEnded(end) = change {
                        prop_assert!(ends.insert(end.step, end.state).is_none(), "a step ends once");
                    }
                }
                kept.keep(&out);
                prop_assert_eq!(machine.account().total_micros(Timestamp(now)), now, "the account adds up");
                if out.end.is_some() { break }
                let [Order::Attempt(step)] = out.orders[..] else {
                    return Err(TestCaseError::fail(format!("neither waiting nor working: {:?}", out.orders)));
                };
                machine.begin(step, Timestamp(now)).expect("it was ordered");
                out = machine.ended(step, Ok(StepDone::default()), Timestamp(now), 1).expect("it runs");
            }
            if settled(&out).is_some() { return Ok(()) }
            if let Some((at, keys, _)) = parked(&out) {
                prop_assert!(at.is_some() || !keys.is_empty(), "something wakes it");
            }
        }
        prop_assert!(false, "it never ended");
    }
}
