//! What a seed does: its pipelines, whom it launches, what people ask for meanwhile, and how much goes wrong.

use super::random::Random;
use carril_model::breaker::BreakerWish;
use carril_model::contract::NewExecution;
use carril_model::definition::{
    AbortWhen, Action, BreakerPolicy, Definition, Effects, Entities, Fallback, Lanes, OnOpen,
    Overlap, RetryOn, RetryPolicy, Scope, Stage, Step, Wait, WaitFor,
};
use carril_model::expression::Expression;
use carril_model::plan::Plan;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Resources with a breaker; a third, `slot`, is used by one step at once.
pub(super) const BREAKERS: [&str; 2] = ["bank", "mail"];

/// When the last act happens and the quiet begins, in microseconds.
pub(super) const QUIET_AT: i64 = 3_000_000;

/// Conditions that steps and stages have; the last two cannot always be evaluated.
const CONDITIONS: &[&str] = &[
    "entity.size > 1",
    "param.p == 1",
    "run == 1",
    "entity.size % 2 == 0",
    "steps.s0.a > 3",
    "entity.missing",
];

/// Something that people, or the machine, do.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Launch(Launching),
    CancelProcess(usize),
    CancelExecutions(usize),
    /// To one execution of a process, under one of two names.
    Signal(usize, usize),
    /// What failed or was cancelled, or whatever has settled.
    Retry(usize, bool),
    /// A whole process, or one execution of it.
    RollBack(usize, bool),
    /// A breaker is held, or let go.
    Breaker(usize, BreakerWish),
    Pause(usize),
    Resume(usize),
    Crash,
    Drain(bool),
    /// Somebody writes with a claim that is no longer his, or hands in a group a second time.
    Stale,
}

/// A launch.
#[derive(Debug, Clone)]
pub(super) struct Launching {
    pub(super) plan: usize,
    pub(super) entities: Vec<NewExecution>,
    pub(super) chunked: bool,
    pub(super) idempotency_key: Option<String>,
    pub(super) despite_failures: bool,
    /// Instead of the pipeline's.
    pub(super) priority: Option<i8>,
}

/// How often something goes wrong, in thousandths.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rates {
    /// A commit is refused, and tried again.
    pub(super) refused: u64,
    /// A commit is done and its answer is an error.
    pub(super) done_but_error: u64,
    /// A commit's answer is an error, and it is done later, perhaps when another engine has entered.
    pub(super) error_then_done: u64,
    pub(super) slow: u64,
    /// Attempts that fail in one way or another.
    pub(super) attempts: u64,
    /// Of the attempts that fail, those of which nobody knows what became.
    pub(super) unknown: u64,
    /// The clock is set back while no engine runs.
    pub(super) set_back: u64,
    /// Somebody holds a breaker just when it is tried again.
    pub(super) by_hand: u64,
}

/// All that a seed draws before it begins.
pub(super) struct Workload {
    pub(super) plans: Vec<Arc<Plan>>,
    pub(super) acts: Vec<(i64, Act)>,
    pub(super) rates: Rates,
    /// Of [`BREAKERS`].
    pub(super) policies: [BreakerPolicy; BREAKERS.len()],
    /// Lanes of the engine, if they are limited.
    pub(super) lanes: Option<u32>,
}

impl Workload {
    pub(super) fn draw(random: &mut Random) -> Self {
        let plans: Vec<Arc<Plan>> = (0..random.between(1, 2))
            .map(|at| Arc::new(plan(random, at)))
            .collect();
        let level = random.below(4);
        let rates = Rates {
            refused: 15 * level,
            done_but_error: 3 * level,
            error_then_done: 3 * level,
            slow: 20 * level,
            attempts: 30 + 110 * random.below(4),
            unknown: 300,
            set_back: if random.permille(300) { 500 } else { 0 },
            by_hand: if random.permille(300) { 300 } else { 0 },
        };
        let mut acts = Vec::new();
        for at in 0..random.between(1, 3) {
            let launch = launching(random, plans.len(), at);
            let when = random.between(0, QUIET_AT / 2);
            acts.push((if at == 0 { 10 } else { when }, Act::Launch(launch)));
        }
        for _ in 0..random.below(12) {
            let when = random.between(1_000, QUIET_AT);
            acts.push((when, act(random)));
        }
        let policies = BREAKERS.map(|_| BreakerPolicy {
            failures: 1 + number(random, 3),
            cooldown: Duration::from_millis(1 + random.below(400)),
            successes: 1 + number(random, 3),
        });
        let lanes = random.permille(400).then(|| 1 + number(random, 3));
        Self {
            plans,
            acts,
            rates,
            policies,
            lanes,
        }
    }
}

fn act(random: &mut Random) -> Act {
    let which = random.index(8);
    let yes = random.permille(500);
    match random.below(29) {
        0 => Act::CancelProcess(which),
        1..=2 => Act::CancelExecutions(which),
        3..=5 => Act::Retry(which, yes),
        6..=7 => Act::RollBack(which, yes),
        8..=11 => Act::Crash,
        12..=13 => Act::Drain(yes),
        16..=21 => Act::Signal(which, random.index(2)),
        22..=24 => by_hand(random),
        25..=26 => Act::Pause(which),
        27..=28 => Act::Resume(which),
        _ => Act::Stale,
    }
}

fn by_hand(random: &mut Random) -> Act {
    let wishes = [BreakerWish::Open, BreakerWish::Close, BreakerWish::Auto];
    Act::Breaker(random.index(BREAKERS.len()), wishes[random.index(3)])
}

fn launching(random: &mut Random, plans: usize, at: i64) -> Launching {
    let mut entities = Vec::new();
    let keys = random.between(1, 6);
    for entity in 0..random.between(1, 5) {
        let mut attributes = Map::new();
        attributes.insert("size".to_owned(), json!(random.below(5)));
        entities.push(NewExecution {
            entity_key: format!("e{entity}"),
            attributes,
            lane_hash: random.between(1, keys),
        });
    }
    let keyed = random.permille(200);
    Launching {
        plan: random.index(plans),
        chunked: entities.len() > 1 && random.permille(250),
        entities,
        idempotency_key: keyed.then(|| format!("key {}", at / 2)),
        despite_failures: at == 1,
        priority: random
            .permille(300)
            .then(|| i8::try_from(random.between(-2, 2)).unwrap_or(0)),
    }
}

fn plan(random: &mut Random, at: i64) -> Plan {
    let mut stages: Vec<Stage> = (0..random.between(1, 4))
        .map(|at| stage(random, at))
        .collect();
    if stages.iter().all(|stage| stage.per == Scope::Process) {
        stages[0].per = Scope::Entity;
    }
    let abort_when = random.permille(200).then(|| AbortWhen {
        failed_permille: 400,
        after: 1 + random.below(2),
    });
    let overlaps = [
        Overlap::Skip,
        Overlap::Queue,
        Overlap::CancelRunning,
        Overlap::Allow,
    ];
    Plan::new(Definition {
        name: format!("p{at}"),
        description: None,
        params: BTreeMap::new(),
        entities: Entities::Given,
        lanes: Lanes {
            max: 1 + number(random, 4),
            auto: false,
            key: None,
            overlap: overlaps[random.index(overlaps.len())],
            abort_when,
            priority: i8::try_from(random.between(-1, 1)).unwrap_or(0),
        },
        workspace: None,
        resources: BTreeMap::new(),
        goal: carril_model::definition::Goal::default(),
        stages,
    })
}

fn stage(random: &mut Random, at: i64) -> Stage {
    let mut steps: Vec<Step> = ["a", "b", "c"]
        .iter()
        .take(1 + random.index(3))
        .map(|name| step(random, name))
        .collect();
    if steps.len() > 1 && random.permille(300) {
        // The last one only stands in for the first.
        let name = steps[steps.len() - 1].name.clone();
        steps[0].fallback = Some(Fallback::Step(name));
    }
    Stage {
        name: format!("s{at}"),
        per: if random.permille(250) {
            Scope::Process
        } else {
            Scope::Entity
        },
        parallel: random.permille(400),
        when: condition(random, 100),
        steps,
    }
}

fn step(random: &mut Random, name: &str) -> Step {
    if random.permille(200) {
        return wait(random, name);
    }
    let ons = [RetryOn::Transient, RetryOn::Any, RetryOn::Never];
    Step {
        name: name.to_owned(),
        action: Action::Noop,
        when: condition(random, 150),
        critical: random.permille(750),
        timeout: Duration::from_secs(1),
        retry: RetryPolicy {
            attempts: 1 + number(random, 4),
            backoff_min: Duration::from_millis(1 + random.below(100)),
            backoff_max: Duration::from_millis(300),
            on: ons[random.index(4).min(2)],
        },
        resources: resources(random),
        on_open: if random.permille(300) {
            OnOpen::Fail
        } else {
            OnOpen::Wait
        },
        fallback: random
            .permille(100)
            .then(|| Fallback::Value(Value::from(1))),
        shared_writes: Vec::new(),
        effects: Effects::ExactlyOnce,
    }
}

/// What a step uses, by name.
fn resources(random: &mut Random) -> Vec<String> {
    let mut resources = Vec::new();
    for (name, permille) in [(BREAKERS[0], 250), (BREAKERS[1], 100), ("slot", 150)] {
        if random.permille(permille) {
            resources.push(name.to_owned());
        }
    }
    resources
}

/// A small number below `bound`.
fn number(random: &mut Random, bound: u32) -> u32 {
    u32::try_from(random.below(u64::from(bound))).unwrap_or(0)
}

/// A step that waits: for a time, or for a signal, which may not come in time.
fn wait(random: &mut Random, name: &str) -> Step {
    let span = Duration::from_millis(1 + random.below(4_000));
    let (until, longest) = match random.below(3) {
        0 => (WaitFor::Span(span), None),
        1 => (WaitFor::Signal("x".to_owned()), Some(span)),
        _ => (WaitFor::Signal("y".to_owned()), Some(span)),
    };
    Step {
        name: name.to_owned(),
        action: Action::Wait(Wait { until, longest }),
        when: condition(random, 150),
        critical: random.permille(750),
        timeout: Duration::from_secs(1),
        retry: RetryPolicy::never(),
        resources: Vec::new(),
        on_open: OnOpen::default(),
        fallback: random
            .permille(200)
            .then(|| Fallback::Value(Value::from(1))),
        shared_writes: Vec::new(),
        effects: Effects::ExactlyOnce,
    }
}

fn condition(random: &mut Random, permille: u64) -> Option<Expression> {
    /// Compiled once for all seeds; an expression is its text, so seeds do not disturb each other.
    static COMPILED: OnceLock<Vec<Expression>> = OnceLock::new();
    let compiled = COMPILED.get_or_init(|| {
        let parse = |text: &&str| Expression::parse(text).expect("the conditions are expressions");
        CONDITIONS.iter().map(parse).collect()
    });
    let wanted = random.permille(permille);
    let sure = CONDITIONS.len() - 2;
    let at = if random.permille(100) {
        random.index(CONDITIONS.len())
    } else {
        random.index(sure)
    };
    wanted.then(|| compiled[at].clone())
}
