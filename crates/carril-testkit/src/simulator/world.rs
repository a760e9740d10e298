//! The world of one seed: a queue of events, one after the other, each at its time; and everything that can go wrong.

use super::bugs::Bug;
use super::engine::lane::{LaneEvent, Signal};
use super::engine::{Engine, Message};
use super::log::EventLog;
use super::random::Random;
use super::store::{ModelStore, Process};
use super::target::{Part, Target};
use super::workload::{Act, BREAKERS, QUIET_AT, Rates, Workload};
use super::{Broken, check};
use carril_model::breaker::BreakerWish;
use carril_model::contract::{Group, NewExecution};
use carril_model::definition::BreakerPolicy;
use carril_model::id::{ExecutionId, NodeId, ProcessId, StepId};
use carril_model::plan::Plan;
use carril_model::state::ProcessState;
use carril_model::time::Timestamp;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A seed that makes more events than this never comes to rest.
const EVENTS_MAX: u64 = 60_000;
/// Until then what somebody asked for before the quiet may still become durable.
const LET_GO_UNTIL: i64 = QUIET_AT + 10_000_000;
/// When the simulated clock begins, so that it can be set back.
const EPOCH: i64 = 1_000_000_000;

/// Something that happens at its time. Those of an engine name it, so that none outlives it.
pub(super) enum Event {
    Act(usize),
    Enter,
    Journal {
        epoch: u64,
    },
    Acked {
        epoch: u64,
    },
    Notices {
        epoch: u64,
    },
    Soft {
        epoch: u64,
    },
    Swept {
        epoch: u64,
        process: ProcessId,
    },
    HardDrain {
        epoch: u64,
    },
    Due {
        epoch: u64,
        lane: u64,
        step: StepId,
    },
    Slot {
        epoch: u64,
        lane: u64,
        step: StepId,
    },
    /// Somebody is due, or may be.
    Wake {
        epoch: u64,
    },
    /// A breaker may let somebody through.
    Breaker {
        epoch: u64,
        at: usize,
    },
    /// Somebody holds a breaker that is being tried.
    ByHand {
        epoch: u64,
        at: usize,
    },
    Extend {
        epoch: u64,
        process: ProcessId,
        rest: Vec<NewExecution>,
    },
    Flight(u64),
    LateEffect(u64),
    LateCommit(Box<(NodeId, Group)>),
    Quiet,
    /// What people hold is let go.
    LetGo,
}

impl Event {
    /// The engine that it is for.
    const fn epoch(&self) -> Option<u64> {
        match self {
            Self::Journal { epoch }
            | Self::Acked { epoch }
            | Self::Notices { epoch }
            | Self::Soft { epoch }
            | Self::Swept { epoch, .. }
            | Self::HardDrain { epoch }
            | Self::Due { epoch, .. }
            | Self::Slot { epoch, .. }
            | Self::Wake { epoch }
            | Self::Breaker { epoch, .. }
            | Self::ByHand { epoch, .. }
            | Self::Extend { epoch, .. } => Some(*epoch),
            _ => None,
        }
    }
}

/// One simulation.
pub(super) struct World {
    pub(super) bug: Option<Bug>,
    pub(super) random: Random,
    pub(super) log: EventLog,
    pub(super) rates: Rates,
    pub(super) policies: [BreakerPolicy; BREAKERS.len()],
    /// Lanes of the engine, if they are limited.
    pub(super) lanes: Option<u32>,
    pub(super) store: ModelStore,
    pub(super) target: Target,
    pub(super) engine: Option<Engine>,
    pub(super) epoch: u64,
    pub(super) plans: Vec<Arc<Plan>>,
    pub(super) plan_of: BTreeMap<ProcessId, usize>,
    pub(super) params: Arc<Map<String, Value>>,
    pub(super) next_id: u64,
    pub(super) flights: BTreeMap<u64, super::flight::Flight>,
    pub(super) ledger: check::Ledger,
    /// Launches that somebody was told of.
    pub(super) acknowledged: Vec<ProcessId>,
    /// Parts that a retry took over, which are not to be done again.
    pub(super) carried: BTreeSet<Part>,
    /// Groups that were acknowledged, to be handed in again.
    pub(super) past: Vec<Group>,
    /// Parts whose last attempt ended without anybody knowing how.
    pub(super) unknown: BTreeSet<Part>,
    pub(super) broken: Option<Broken>,
    acts: Vec<(i64, Act)>,
    now: i64,
    /// What the clock shows more than the time, or less.
    offset: i64,
    queue: BTreeMap<(i64, u64), Event>,
    entering: bool,
}

impl World {
    pub(super) fn new(seed: u64, bug: Option<Bug>, keep_log: bool) -> Self {
        let mut random = Random::new(seed);
        let Workload {
            plans,
            acts,
            rates,
            policies,
            lanes,
        } = Workload::draw(&mut random);
        let mut params = Map::new();
        params.insert("p".to_owned(), Value::from(random.below(2)));
        let mut world = Self {
            bug,
            random,
            log: EventLog::new(keep_log),
            rates,
            policies,
            lanes,
            store: ModelStore::new(bug),
            target: Target::new(bug),
            engine: None,
            epoch: 0,
            plans,
            plan_of: BTreeMap::new(),
            params: Arc::new(params),
            next_id: 0,
            flights: BTreeMap::new(),
            ledger: check::Ledger::default(),
            acknowledged: Vec::new(),
            carried: BTreeSet::new(),
            past: Vec::new(),
            unknown: BTreeSet::new(),
            broken: None,
            acts,
            now: 0,
            offset: EPOCH,
            queue: BTreeMap::new(),
            entering: false,
        };
        world.enter();
        for at in 0..world.acts.len() {
            world.after(world.acts[at].0, Event::Act(at));
        }
        world.after(QUIET_AT, Event::Quiet);
        world
    }

    /// Lets everything happen, and then be quiet.
    pub(super) fn run(&mut self) {
        let mut happened = 0;
        while let Some(((at, _), event)) = self.queue.pop_first() {
            self.now = at;
            happened += 1;
            if event
                .epoch()
                .is_none_or(|epoch| epoch == self.epoch && self.engine.is_some())
            {
                self.happen(event);
            } else if let Event::Slot { lane, step, .. } = event {
                self.free_slot(lane, step);
            }
            self.collect();
            if self.broken.is_some() {
                return;
            }
            if self.log.events().max(happened) > EVENTS_MAX {
                return self.breaks("everything comes to rest", "too many events".to_owned());
            }
        }
        self.check_quiet();
        self.collect();
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Act(at) => {
                let act = self.acts[at].1.clone();
                self.act(act);
            }
            Event::Enter => self.enter(),
            Event::Quiet => {
                self.note("quiet", [0; 4]);
                self.rates = Rates::default();
                self.restart_for_rollbacks();
                self.after(500_000, Event::LetGo);
            }
            Event::LetGo => self.let_go(),
            Event::Breaker { at, .. } => self.breaker_moved(at),
            Event::ByHand { at, .. } => self.hold_breaker(at),
            Event::Journal { .. } => self.commit(),
            Event::Acked { .. } => self.acked(),
            Event::Notices { .. } => self.notices(),
            Event::Soft { .. } => self.soft_is_due(),
            Event::Swept { process, .. } => self.sweep_now(process),
            Event::HardDrain { .. } => self.signal(Signal::DrainHard, |_| true),
            Event::Due { lane, step, .. } => {
                self.lane_hears(lane, LaneEvent::Due(step));
            }
            Event::Slot { lane, step, .. } => {
                if !self.lane_hears(lane, LaneEvent::Slot(step)) {
                    self.free_slot(lane, step);
                }
            }
            Event::Wake { .. } => self.wake_due(),
            Event::Extend { process, rest, .. } => self.extend(process, &rest),
            Event::Flight(id) => self.flight_goes_on(id),
            Event::LateEffect(id) => self.late_effect(id),
            Event::LateCommit(late) => self.late_commit(late.0, &late.1),
        }
    }

    /// A rollback that was refused on its way is gone on with by the next engine, or when somebody asks again.
    fn restart_for_rollbacks(&mut self) {
        let Some(engine) = &self.engine else { return };
        let in_hand = |execution: &ExecutionId| {
            let mut rollbacks = engine.rollbacks.iter();
            rollbacks.any(|rollback| rollback.executions.contains(execution))
        };
        let rows = self.store.tables.rows.values();
        let mut half = rows.filter(|row| row.rolling_back);
        if half.any(|row| !in_hand(&row.owned.execution)) {
            self.crash();
        }
    }

    /// Whoever holds a breaker lets it go, and whoever paused a process resumes it; until that is durable.
    fn let_go(&mut self) {
        let tables = &self.store.tables;
        let is_paused = |process: &&Process| process.row.state == ProcessState::Paused;
        let paused = tables.processes.values().filter(is_paused);
        let paused: Vec<ProcessId> = paused.map(|process| process.row.id).collect();
        let kept = tables.breakers.values().any(|row| row.forced);
        let is_late = self.now > LET_GO_UNTIL;
        if is_late && ((!kept && paused.is_empty()) || self.now > 2 * LET_GO_UNTIL) {
            return;
        }
        for at in 0..BREAKERS.len() {
            self.force_breaker(at, BreakerWish::Auto);
        }
        for process in paused {
            self.pause(process, false);
        }
        self.after(500_000, Event::LetGo);
    }

    fn act(&mut self, act: Act) {
        if self
            .engine
            .as_ref()
            .is_none_or(|engine| engine.stopping.is_some())
        {
            // Nobody is there who could do it.
            return;
        }
        let process = |world: &Self, which: usize| {
            let known = world.store.tables.processes.values();
            let ids: Vec<ProcessId> = known
                .filter(|process| process.row.state != carril_model::state::ProcessState::Launching)
                .map(|process| process.row.id)
                .collect();
            (!ids.is_empty()).then(|| ids[which % ids.len()])
        };
        let executions = |world: &Self, id: ProcessId| {
            let rows = world.store.tables.executions(id);
            rows.map(|row| row.owned.execution)
                .collect::<Vec<ExecutionId>>()
        };
        match act {
            Act::Launch(launching) => self.launch(&launching),
            Act::Crash => self.crash(),
            Act::Drain(hard) => self.drain(hard),
            Act::Stale => self.write_stale(),
            Act::Breaker(at, wish) => self.force_breaker(at, wish),
            Act::Pause(which) | Act::Resume(which) => {
                let paused = matches!(act, Act::Pause(_));
                if let Some(id) = process(self, which) {
                    self.pause(id, paused);
                }
            }
            Act::CancelProcess(which) => {
                if let Some(id) = process(self, which) {
                    self.cancel_process(id);
                }
            }
            Act::CancelExecutions(which) => {
                if let Some(id) = process(self, which) {
                    let all = executions(self, id);
                    let one = all[self.random.index(all.len())];
                    self.cancel_executions(&[one]);
                }
            }
            Act::Signal(which, name) => {
                if let Some(id) = process(self, which) {
                    let all = executions(self, id);
                    let one = all[self.random.index(all.len())];
                    self.send_signal(one, name);
                }
            }
            Act::Retry(which, all) => {
                if let Some(id) = process(self, which) {
                    self.retry(id, all);
                }
            }
            Act::RollBack(which, all) => {
                if let Some(id) = process(self, which) {
                    let mut meant = executions(self, id);
                    if !all {
                        meant = vec![meant[self.random.index(meant.len())]];
                    }
                    self.roll_back(id, meant);
                }
            }
        }
    }

    /// Groups that were acknowledged come a second time: none of them may be taken.
    fn write_stale(&mut self) {
        let Some(node) = self.engine.as_ref().map(|engine| engine.node) else {
            return;
        };
        let past = std::mem::take(&mut self.past);
        self.note("stale", [past.len() as i64, 0, 0, 0]);
        for group in &past {
            let done = self.store.commit(node, group);
            self.check_stale(group, done.as_ref().ok());
        }
        self.past = past;
    }

    /// The engine dies: everything in its memory is gone, what is on its way may arrive or not.
    pub(super) fn crash(&mut self) {
        if self.engine.is_none() {
            return;
        }
        self.note("crash", [0; 4]);
        self.store.crash();
        self.orphan_flights();
        self.engine_is_gone();
    }

    /// Nobody runs any more; after a while another engine enters.
    pub(super) fn engine_is_gone(&mut self) {
        self.engine = None;
        if !self.entering {
            self.entering = true;
            let wait = self.random.between(100, 300_000);
            self.after(wait, Event::Enter);
        }
    }

    fn enter(&mut self) {
        self.entering = false;
        if self.random.permille(self.rates.set_back) && self.offset > EPOCH / 2 {
            self.offset -= self.random.between(0, 10_000_000);
        } else if self.random.permille(50) {
            self.offset += self.random.between(0, 60_000_000);
        }
        let now = self.clock();
        let entered = self.store.enter(now);
        self.epoch += 1;
        self.note(
            "enter",
            [entered.node.0, entered.reclaimed as i64, now.0, 0],
        );
        let guards = self.resume_breakers();
        self.engine = Some(Engine::new(self.epoch, entered.node, guards));
        self.check_now();
        self.take_over(entered);
        let epoch = self.epoch;
        self.after(0, Event::Wake { epoch });
    }

    /// What an engine's clock shows.
    pub(super) const fn clock(&self) -> Timestamp {
        Timestamp(self.now + self.offset)
    }

    pub(super) fn after(&mut self, wait: i64, event: Event) {
        self.next_id += 1;
        self.queue
            .insert((self.now + wait.max(0), self.next_id), event);
    }

    pub(super) fn note(&mut self, what: &'static str, numbers: [i64; 4]) {
        self.log.note(self.now, what, numbers);
    }

    pub(super) fn breaks(&mut self, rule: &'static str, text: String) {
        self.broken.get_or_insert(Broken { rule, text });
    }

    pub(super) fn plan_of(&self, process: ProcessId) -> &Arc<Plan> {
        let at = self.plan_of.get(&process).copied().unwrap_or(0);
        &self.plans[at]
    }

    /// What store and target found out about themselves.
    fn collect(&mut self) {
        let found = self
            .store
            .broken
            .take()
            .or_else(|| self.target.broken.take());
        if let Some(broken) = found {
            self.broken.get_or_insert(broken);
        }
    }

    /// Messages are only handed in while an engine runs.
    pub(super) fn is_idle(&self) -> bool {
        let idle = |engine: &Engine| {
            let claims = |message: &Message| matches!(message, Message::Claim(_));
            !engine.queue.iter().any(claims) && engine.lanes.is_empty()
        };
        self.engine.as_ref().is_none_or(idle)
    }
}
