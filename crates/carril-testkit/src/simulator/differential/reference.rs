//! The reference: the model store, and who has claimed what of it. It turns an act into what a store is asked, and says what
//! the answer must be. Its ids are its own.

mod waiting;

use super::super::Bug;
use super::super::store::{ModelStore, switched};
use super::act::{Act, draw_record};
use crate::store::{closing, step_end};
use carril_model::account::{Cause, CauseKind};
use carril_model::contract::{
    Change, Claim, Claimed, Entered, ErrorClass, Fault, Group, Launch, Launched, NewExecution,
    NewSignal, Owned, ProcessChange, ProcessRow, Record, Report, Rerun, Sent, StepEnd, StepError,
    StepRow, TableRows, Until, Verdict,
};
use carril_model::definition::{Overlap, Version};
use carril_model::id::{ExecutionId, NodeId, ProcessId, StepId};
use carril_model::retry::mix;
use carril_model::state::{ExecutionState, ProcessState, StepState};
use carril_model::time::Timestamp;
use serde_json::{Map, json};
use std::collections::BTreeMap;
use waiting::OPEN;

/// What is launched.
const PIPELINE: &str = "conformance";
/// Executions of all launches share this many lane keys.
const KEYS: i64 = 5;

/// What a store is asked, with the model's ids.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// [`Store::launch`](carril_model::contract::Store::launch).
    Launch(Box<Launch>, Vec<NewExecution>, Option<u32>),
    /// [`Store::extend`](carril_model::contract::Store::extend).
    Extend(ProcessId, Vec<NewExecution>, Option<u32>),
    /// [`Store::abandon`](carril_model::contract::Store::abandon).
    Abandon(ProcessId),
    /// [`Store::commit`](carril_model::contract::Store::commit).
    Commit(Group),
    /// [`Store::cancel`](carril_model::contract::Store::cancel).
    Cancel(Vec<ExecutionId>),
    /// [`Store::begin_rollback`](carril_model::contract::Store::begin_rollback).
    BeginRollback(Vec<ExecutionId>),
    /// [`Store::rerun`](carril_model::contract::Store::rerun).
    Rerun(ProcessId, Vec<Rerun>),
    /// [`Store::signal`](carril_model::contract::Store::signal).
    Signal(Vec<ExecutionId>, NewSignal),
    /// [`Store::forget`](carril_model::contract::Store::forget), until it is whole.
    Forget(ProcessId),
    /// The store is closed and entered again.
    Crash,
    /// The engine leaves, and another enters.
    Leave,
}

/// What it must answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// To a launch.
    Launched(Launched),
    /// To a chunk of one.
    Claimed(Vec<Claimed>),
    /// To what has no answer.
    Done,
    /// To a group.
    Report(Report),
    /// To a cancel: who still runs, and which processes moved.
    Stopped(Vec<Owned>, Vec<ProcessRow>),
    /// To a rollback.
    Begun(Vec<Owned>),
    /// To a signal.
    Sent(Sent),
    /// To a rerun.
    Row(Box<ProcessRow>),
    /// To an engine that enters.
    Entered(Entered),
    /// To what cannot be done as things are.
    Conflict,
}

/// The model store and its engine.
#[derive(Debug, Clone)]
pub struct Reference {
    pub(super) store: ModelStore,
    node: NodeId,
    pub(super) now: Timestamp,
    version: Version,
    claimed: Vec<Claimed>,
    stale: Vec<Claimed>,
    rolling_back: Vec<Owned>,
    launching: Option<ProcessId>,
    entities: usize,
}

impl Reference {
    /// A store that one engine has entered, with a bug or without.
    #[must_use]
    pub fn new(bug: Option<Bug>) -> Self {
        let mut store = ModelStore::new(bug);
        let now = Timestamp(1_000_000_000);
        let entered = store.enter(now);
        Self {
            store,
            node: entered.node,
            now,
            version: crate::store::definition().version(),
            claimed: Vec::new(),
            stale: Vec::new(),
            rolling_back: Vec::new(),
            launching: None,
            entities: 0,
        }
    }

    /// Does an act, if it can be done and is within the contract; gives what a store is to be asked, and its answer.
    pub fn act(&mut self, act: Act) -> Option<(Op, Answer)> {
        let micros = match act {
            Act::Pass(tenths) => i64::from(tenths) * 100_000,
            _ => 1_000,
        };
        self.now = Timestamp(self.now.0 + micros);
        let op = self.op(act)?;
        let before = self.clone();
        let answer = self.answer(&op);
        if self.store.broken.is_some() && !before.store.has_bug() {
            *self = before;
            return None;
        }
        Some((op, answer))
    }

    /// What everybody runs.
    pub(super) fn pipeline(&self) -> (&'static str, &Version) {
        (PIPELINE, &self.version)
    }

    /// Processes that a launch has opened, and that nobody forgot.
    pub(super) fn open_processes(&self) -> Vec<ProcessId> {
        let processes = self.store.tables.processes.values();
        let open = processes.filter(|process| process.row.state != ProcessState::Launching);
        open.map(|process| process.row.id).collect()
    }

    fn process(&self, by: u8) -> Option<ProcessId> {
        // The newest are chosen most: where much happens, things meet.
        let open = self.open_processes();
        let from = open.len().saturating_sub(4);
        choose(&open[from..], by).copied()
    }

    fn executions(&self, process: ProcessId) -> Vec<Owned> {
        let rows = self.store.tables.executions(process);
        rows.map(|row| row.owned).collect()
    }

    fn op(&mut self, act: Act) -> Option<Op> {
        match act {
            Act::Launch(many, shape, key) => {
                let (launch, first) = self.launch(many, shape, key);
                Some(Op::Launch(
                    Box::new(launch),
                    first,
                    Some(u32::from(key % 3)),
                ))
            }
            Act::Begin(many, shape, key) => {
                if self.launching.is_some() {
                    return None;
                }
                let (launch, first) = self.launch(many, shape, key);
                Some(Op::Launch(Box::new(launch), first, None))
            }
            Act::Extend(many, last) => {
                let more = self.new_entities(many);
                let open = (last % 2 == 0).then_some(u32::from(last % 3));
                Some(Op::Extend(self.launching?, more, open))
            }
            Act::Abandon => Some(Op::Abandon(self.launching?)),
            Act::Cancel(process, which) => {
                let owned = self.executions(self.process(process)?);
                let many = 1 + usize::from(which % 3);
                let chosen = owned
                    .iter()
                    .cycle()
                    .skip(usize::from(which))
                    .take(many.min(owned.len()));
                Some(Op::Cancel(chosen.map(|owned| owned.execution).collect()))
            }
            Act::BeginRollback(process, which) => {
                let owned = self.executions(self.process(process)?);
                Some(Op::BeginRollback(vec![choose(&owned, which)?.execution]))
            }
            Act::Rerun(process, segment, how) => self.rerun(process, segment, how),
            Act::Signal(process, which, how) => self.signal(process, which, how),
            Act::Forget(process) => Some(Op::Forget(self.process(process)?)),
            Act::Crash => Some(Op::Crash),
            Act::Leave => Some(Op::Leave),
            Act::Pass(_) => None,
            _ => self.group(act).map(Op::Commit),
        }
    }

    fn launch(&mut self, many: u8, shape: u8, key: u8) -> (Launch, Vec<NewExecution>) {
        let in_segments = shape.is_multiple_of(2);
        let overlaps = [
            Overlap::Allow,
            Overlap::Allow,
            Overlap::Queue,
            Overlap::Skip,
            Overlap::CancelRunning,
        ];
        let launch = Launch {
            pipeline: PIPELINE.to_owned(),
            version: self.version.clone(),
            params: Map::from_iter([("day".to_owned(), json!("2025-06-30"))]),
            launched_by: "tester".to_owned(),
            idempotency_key: key.is_multiple_of(4).then(|| format!("key-{}", key % 3)),
            overlap: overlaps[usize::from(shape / 2) % overlaps.len()],
            lanes: 50,
            lanes_auto: None,
            priority: i8::try_from(key % 5).unwrap_or(0) - 2,
            targets: BTreeMap::new(),
            folder: None,
            overlap_hash: i64::from(shape % 3),
            ids_above: 0,
            process_segment: in_segments.then_some(1),
            entity_segment: Some(0),
            segments: if in_segments { 3 } else { 1 },
            at: self.now,
        };
        (launch, self.new_entities(many))
    }

    fn new_entities(&mut self, many: u8) -> Vec<NewExecution> {
        let first = self.entities;
        self.entities += usize::from(many);
        let entities = (first..self.entities).map(crate::store::entity);
        let with_key = |(at, entity): (usize, NewExecution)| NewExecution {
            lane_hash: i64::try_from(mix(at as u64) % 1_000).unwrap_or(0) % KEYS,
            ..entity
        };
        (first..).zip(entities).map(with_key).collect()
    }

    fn rerun(&self, process: u8, segment: u8, how: u8) -> Option<Op> {
        let process = self.process(process)?;
        let last = if self.store.tables.processes[&process].row.own.is_some() {
            2
        } else {
            0
        };
        let segment = u32::from(segment) % (last + 1);
        let rows = self.store.tables.executions(process);
        // Most of the time who may run again; now and then who may not, which must change nothing.
        let chosen = rows
            .filter(|row| how.is_multiple_of(7) || (row.state.is_settled() && !row.rolling_back));
        let reruns = chosen.map(|row| Rerun {
            execution: row.owned.execution,
            expected: row.owned.run,
            segment: match (row.owned.per_process, segment) {
                (true, _) => 1,
                (false, 1) => 2,
                (false, segment) => segment,
            },
            carried: if how.is_multiple_of(2) {
                succeeded(row.latest_steps())
            } else {
                Vec::new()
            },
        });
        let many = if how.is_multiple_of(3) { 1 } else { usize::MAX };
        Some(Op::Rerun(process, reruns.take(many).collect()))
    }

    fn group(&self, act: Act) -> Option<Group> {
        let mut group = Group {
            at: self.now,
            ..Group::default()
        };
        match act {
            Act::Claim(process, max) => {
                let process = self.process(process)?;
                group.claims.push(Claim {
                    process,
                    max: u32::from(max),
                });
            }
            Act::Together(bits) => {
                for at in 0..2 + bits % 3 {
                    let record = self.record(draw_record(bits.wrapping_add(at)));
                    // No engine tells of a step of an execution that it has given up before in the same group, nor parks
                    // one in which an attempt has begun, nor begins or ends a step twice.
                    let is_late = |record: &Record| {
                        let clashes = |other: &Record| {
                            other.owned == record.owned
                                && (is_of_step(record) && !is_of_step(other)
                                    || is_parked(record) && is_of_step(other)
                                    || is_over_again(record, other))
                        };
                        group.records.iter().any(clashes)
                    };
                    group
                        .records
                        .extend(record.filter(|record| !is_late(record)));
                }
                let [process, max, wakes, breakers, which, ..] = mix(bits).to_le_bytes();
                group.wakes = u32::from(wakes % 3);
                let breakers = (0..breakers % 3).map(|at| self.breaker(which, breakers / 3 + at));
                group.breakers.extend(breakers);
                let process = self.process(process)?;
                group.claims.push(Claim {
                    process,
                    max: u32::from(max % 3),
                });
            }
            Act::Wake(most) => group.wakes = 1 + u32::from(most),
            Act::Breaker(which, how) => group.breakers.push(self.breaker(which, how)),
            Act::Advance(..) | Act::SettleProcess(..) | Act::CancelProcess(..) | Act::Pause(..) => {
                group.processes.push(self.change(act)?);
            }
            _ => group.records.push(self.record(act)?),
        }
        Some(group)
    }

    fn change(&self, act: Act) -> Option<ProcessChange> {
        let at = self.now;
        Some(match act {
            Act::Advance(process, by) => {
                let process = self.process(process)?;
                let row = &self.store.tables.processes[&process].row;
                let last = if row.own.is_some() { 2 } else { 0 };
                // Now and then a segment that it is no longer in.
                let from = if by % 5 == 0 { 0 } else { row.segment };
                let to = from + 1 + u32::from(by % 4 == 0);
                (to <= last).then_some(ProcessChange::Advance {
                    process,
                    from,
                    to,
                    at,
                })?
            }
            Act::SettleProcess(process, state) => {
                let states = [
                    ProcessState::Succeeded,
                    ProcessState::CompletedWithErrors,
                    ProcessState::Failed,
                    ProcessState::Cancelled,
                    ProcessState::RolledBack,
                ];
                let process = self.process(process)?;
                let state = *choose(&states, state)?;
                ProcessChange::Settle {
                    process,
                    state,
                    reason: None,
                    at,
                }
            }
            Act::CancelProcess(process, by) => {
                let state = if by % 4 == 0 {
                    ProcessState::Failed
                } else {
                    ProcessState::Cancelled
                };
                let process = self.process(process)?;
                ProcessChange::Cancel {
                    process,
                    state,
                    reason: "drawn".to_owned(),
                    at,
                }
            }
            Act::Pause(process, by) if by % 2 == 0 => ProcessChange::Pause {
                process: self.process(process)?,
                at,
            },
            Act::Pause(process, _) => ProcessChange::Resume {
                process: self.process(process)?,
                at,
            },
            _ => return None,
        })
    }

    fn record(&self, act: Act) -> Option<Record> {
        let (Act::Began(which, ..)
        | Act::Ended(which, ..)
        | Act::Waited(which)
        | Act::Settle(which, ..)
        | Act::Park(which)
        | Act::Wait(which, ..)
        | Act::StepWaits(which, ..)
        | Act::Take(which, ..)
        | Act::Release(which)
        | Act::Stale(which, ..)
        | Act::RolledBack(which)) = act
        else {
            return None;
        };
        if let Act::RolledBack(_) = act {
            let rows = vec![table_rows(1)];
            let owned = *choose(&self.rolling_back, which)?;
            return Some(Record {
                owned,
                change: Change::RolledBack { at: self.now, rows },
            });
        }
        let from = if matches!(act, Act::Stale(..)) {
            &self.stale
        } else {
            &self.claimed
        };
        let claimed = choose(from, which)?;
        let change = self.change_of(act, claimed)?;
        Some(Record {
            owned: claimed.owned,
            change,
        })
    }

    fn change_of(&self, act: Act, claimed: &Claimed) -> Option<Change> {
        let now = self.now;
        let account = |kind| switched(&claimed.account, Cause::plain(kind), now);
        Some(match act {
            Act::Began(_, step) => {
                let (step, attempt) = self.next_attempt(claimed, step, 1)?;
                Change::StepBegan {
                    step,
                    attempt,
                    at: now,
                }
            }
            Act::Ended(_, step, how) => self.ended(claimed, step, how)?,
            Act::Waited(_) => Change::Cause {
                account: account(CauseKind::Key),
            },
            Act::Settle(_, how) | Act::Stale(_, how) => {
                let states = [
                    ExecutionState::Succeeded,
                    ExecutionState::Failed,
                    ExecutionState::Skipped,
                    ExecutionState::Cancelled,
                ];
                closing(claimed, *choose(&states, how)?, now)
            }
            Act::Park(_) => {
                let process = self.store.tables.processes.get(&claimed.owned.process)?;
                let may =
                    process.row.own.is_some() && claimed.segment == 0 && !claimed.owned.per_process;
                let account = account(CauseKind::Barrier);
                (may && !self.is_busy(claimed, &OPEN)).then_some(Change::Parked {
                    until: Until::Segment(2),
                    account,
                })?
            }
            Act::Wait(_, how) => self.waits(claimed, how)?,
            Act::StepWaits(_, step, how) => self.step_waits(claimed, step, how)?,
            Act::Take(_, which) => self.takes(claimed, which)?,
            Act::Release(_) => Change::Released {
                account: account(CauseKind::Queued),
            },
            _ => return None,
        })
    }

    /// Whether an attempt of it is in one of these states: nobody parks while one runs, nor at a barrier while one waits.
    fn is_busy(&self, claimed: &Claimed, states: &[StepState]) -> bool {
        let row = self.store.tables.rows.get(&claimed.owned.execution);
        row.is_some_and(|row| {
            row.attempts()
                .any(|attempt| states.contains(&attempt.row.state))
        })
    }

    /// The attempt that is next of a step; `beyond` an attempt that is under way.
    fn next_attempt(&self, claimed: &Claimed, step: u8, beyond: u32) -> Option<(StepId, u32)> {
        let step = StepId(u16::from(step % 3));
        let row = self.store.tables.rows.get(&claimed.owned.execution)?;
        let attempt = row.latest(step).map_or(1, |latest| match latest.state {
            state if OPEN.contains(&state) => latest.attempt + beyond,
            _ => latest.attempt + 1,
        });
        Some((step, attempt))
    }

    fn ended(&self, claimed: &Claimed, step: u8, how: u8) -> Option<Change> {
        let (step, mut attempt) = self.next_attempt(claimed, step, 0)?;
        let row = self.store.tables.rows.get(&claimed.owned.execution)?;
        if how.is_multiple_of(11) {
            // The attempt before once more, as a commit does that is repeated.
            attempt = row.latest(step)?.attempt;
        }
        let failed = how.is_multiple_of(3);
        let error = || StepError::new("CAR0507", ErrorClass::Transient, format!("drawn {how}"));
        Some(Change::StepEnded(Box::new(StepEnd {
            attempt,
            failures: row.latest(step).map_or(0, |latest| latest.failures) + u32::from(failed),
            state: if failed {
                StepState::Failed
            } else {
                StepState::Succeeded
            },
            retry_at: (failed && how.is_multiple_of(2)).then_some(Timestamp(self.now.0 + 50_000)),
            fallback: !failed && how.is_multiple_of(5),
            output: (!failed && how.is_multiple_of(4)).then(|| json!({ "value": how })),
            rows: if how.is_multiple_of(7) {
                vec![table_rows(u64::from(how))]
            } else {
                Vec::new()
            },
            error: failed.then(error),
            ..step_end(step.0, self.now, self.now)
        })))
    }

    fn answer(&mut self, op: &Op) -> Answer {
        let (node, now) = (self.node, self.now);
        let answer = match op {
            Op::Launch(launch, first, open) => self
                .store
                .launch(node, launch, first, *open)
                .map(Answer::Launched),
            Op::Extend(process, more, open) => self
                .store
                .extend(node, *process, more, *open, now)
                .map(Answer::Claimed),
            Op::Abandon(process) => {
                // The verb is given no time: what waited behind the launch is charged as of the engine's last sign of life.
                let seen = self.store.tables.nodes.get(&node);
                self.store
                    .abandon(*process, seen.map_or(now, |node| node.seen));
                Ok(Answer::Done)
            }
            Op::Commit(group) => self.store.commit(node, group).map(Answer::Report),
            Op::Cancel(executions) => {
                self.store
                    .cancel(node, executions, now)
                    .map(|(running, moved)| {
                        let rows = moved
                            .iter()
                            .filter_map(|process| self.store.tables.process_row(*process));
                        Answer::Stopped(running, rows.collect())
                    })
            }
            Op::BeginRollback(executions) => self
                .store
                .begin_rollback(node, executions, now)
                .map(Answer::Begun),
            Op::Signal(executions, signal) => self
                .store
                .signal(node, executions, signal)
                .map(Answer::Sent),
            Op::Rerun(process, reruns) => self.rerun_answer(*process, reruns),
            Op::Forget(process) => self.forget(*process),
            Op::Crash => Ok(Answer::Entered(self.enter())),
            Op::Leave => self
                .store
                .leave(node, now)
                .map(|()| Answer::Entered(self.enter())),
        };
        let answer = answer.unwrap_or(Answer::Conflict);
        self.learn(op, &answer);
        answer
    }

    fn rerun_answer(&mut self, process: ProcessId, reruns: &[Rerun]) -> Result<Answer, Fault> {
        self.store.rerun(self.node, process, reruns, self.now)?;
        let row = self.store.tables.process_row(process);
        Ok(row.map_or(Answer::Conflict, |row| Answer::Row(Box::new(row))))
    }

    fn enter(&mut self) -> Entered {
        let entered = self.store.enter(self.now);
        self.node = entered.node;
        entered
    }

    /// The model store forgets nothing; what the contract says of it is this.
    fn forget(&mut self, process: ProcessId) -> Result<Answer, Fault> {
        let tables = &mut self.store.tables;
        let waited_for = tables
            .processes
            .values()
            .any(|other| other.row.after == Some(process) && !other.row.state.is_settled());
        let is_rolling_back = tables.executions(process).any(|row| row.rolling_back);
        let over = tables.processes[&process].row.state.is_settled();
        if !over || waited_for || is_rolling_back {
            return Err(Fault::Conflict("it is not over".to_owned()));
        }
        let gone = tables.processes.remove(&process);
        for execution in gone.map(|process| process.executions).unwrap_or_default() {
            tables.rows.remove(&execution);
        }
        let kept = |owned: &Owned| owned.process != process;
        self.stale.retain(|claimed| kept(&claimed.owned));
        self.rolling_back.retain(kept);
        Ok(Answer::Done)
    }

    /// Who has claimed what after an answer.
    fn learn(&mut self, op: &Op, answer: &Answer) {
        match (op, answer) {
            (Op::Launch(_, _, open), Answer::Launched(Launched::New { process, claimed })) => {
                self.claimed.extend(claimed.iter().cloned());
                if open.is_none() {
                    self.launching = Some(*process);
                }
            }
            (Op::Extend(_, _, open), Answer::Claimed(claimed)) => {
                self.claimed.extend(claimed.iter().cloned());
                if open.is_some() {
                    self.launching = None;
                }
            }
            (Op::Abandon(_), _) => self.launching = None,
            (Op::Commit(group), Answer::Report(report)) => self.learn_group(group, report),
            (_, Answer::Begun(begun)) => {
                for owned in begun {
                    self.rolling_back
                        .retain(|other| other.execution != owned.execution);
                    self.give_up(owned.execution);
                }
                self.rolling_back.extend(begun);
            }
            (_, Answer::Entered(entered)) => {
                self.stale.append(&mut self.claimed);
                self.rolling_back.clone_from(&entered.rolling_back);
                self.launching = None;
            }
            _ => {}
        }
    }

    fn learn_group(&mut self, group: &Group, report: &Report) {
        for (record, verdict) in group.records.iter().zip(&report.verdicts) {
            let (id, done) = (record.owned.execution, *verdict == Verdict::Done);
            match &record.change {
                Change::Settled { .. } | Change::Parked { .. } | Change::Released { .. }
                    if done =>
                {
                    self.give_up(id);
                }
                Change::Cause { account } if done => {
                    let claimed = self
                        .claimed
                        .iter_mut()
                        .find(|claimed| claimed.owned.execution == id);
                    if let Some(claimed) = claimed {
                        claimed.account = account.clone();
                    }
                }
                Change::RolledBack { .. } if done => {
                    self.rolling_back.retain(|owned| owned.execution != id);
                }
                _ => {}
            }
        }
        self.claimed.extend(report.claimed.iter().cloned());
    }

    fn give_up(&mut self, execution: ExecutionId) {
        let at = self
            .claimed
            .iter()
            .position(|claimed| claimed.owned.execution == execution);
        if let Some(at) = at {
            let claimed = self.claimed.swap_remove(at);
            self.stale.push(claimed);
        }
    }
}

fn choose<T>(from: &[T], by: u8) -> Option<&T> {
    (!from.is_empty()).then(|| &from[usize::from(by) % from.len()])
}

fn succeeded(steps: Vec<StepRow>) -> Vec<StepId> {
    let done = steps
        .into_iter()
        .filter(|step| step.state == StepState::Succeeded);
    done.map(|step| step.step).collect()
}

fn table_rows(inserted: u64) -> TableRows {
    TableRows {
        table: "rows".to_owned(),
        inserted,
        updated: 0,
        deleted: 0,
    }
}

/// Whether both are about the same step of an execution, and are not its beginning and then its end.
fn is_over_again(record: &Record, other: &Record) -> bool {
    let step_of = |record: &Record| match &record.change {
        Change::StepBegan { step, .. } | Change::StepWaits { step, .. } => Some((*step, false)),
        Change::StepEnded(end) => Some((end.step, true)),
        _ => None,
    };
    match (step_of(other), step_of(record)) {
        (Some((before, has_ended)), Some((step, ends))) => before == step && (has_ended || !ends),
        _ => false,
    }
}

const fn is_parked(record: &Record) -> bool {
    matches!(record.change, Change::Parked { .. })
}

const fn is_of_step(record: &Record) -> bool {
    matches!(
        record.change,
        Change::StepBegan { .. }
            | Change::StepEnded(_)
            | Change::StepWaits { .. }
            | Change::SignalTaken { .. }
    )
}
