//! The model store: what the `Store` contract means, in memory, synchronous, small enough to be read in one sitting.
//!
//! Every verb is one transaction and takes the node that calls it, so that a commit of a former engine can come late. The
//! simulator checks its tables after every write; the planted bugs of the contract are in here, each behind its name.

mod again;
mod change;
mod lanes;
mod launch;
mod record;
mod wake;

pub(super) use record::{count, switched};

use super::Broken;
use super::bugs::Bug;
use carril_model::account::{Cause, CauseKind, TimeAccount};
use carril_model::breaker::BreakerRow;
use carril_model::contract::{Claimed, Fault, Group, Owned, ProcessRow, Report, Signal, StepRow};
use carril_model::definition::Overlap;
use carril_model::id::{ExecutionId, NodeId, ProcessId, Run, StepId, Token};
use carril_model::state::{ExecutionState, ProcessState, StepState};
use carril_model::time::Timestamp;
use carril_model::transition::{self, ExecutionEvent};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One execution.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) owned: Owned,
    pub(super) state: ExecutionState,
    pub(super) segment: u32,
    pub(super) ready: bool,
    pub(super) lane_hash: Option<i64>,
    pub(super) rolling_back: bool,
    pub(super) cancelling: bool,
    /// Whether `cancelling` was there when the present claim was made.
    pub(super) claimed_cancelling: bool,
    pub(super) account: TimeAccount,
    /// When this run's account was opened.
    pub(super) opened: Timestamp,
    /// Time after it had settled and before its rollback, which nobody is charged for.
    pub(super) uncharged: i64,
    pub(super) started: bool,
    pub(super) node: Option<NodeId>,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) entity_key: Option<String>,
    pub(super) attributes: Arc<Map<String, Value>>,
    /// Attempts by run, step and number.
    pub(super) steps: BTreeMap<(Run, StepId, u32), Attempt>,
    /// Whether it is parked, or was woken and not claimed yet, in the middle of its segment.
    pub(super) parked: bool,
    pub(super) wake_at: Option<Timestamp>,
    pub(super) wake_keys: Vec<String>,
    /// Signals that no step has taken.
    pub(super) signals: Vec<Signal>,
    /// Numbers of those that were taken.
    pub(super) taken: Vec<u32>,
    /// Idempotency keys of those that came.
    pub(super) signal_keys: BTreeSet<String>,
    /// How many came.
    pub(super) sent: u32,
    /// How each run that is over ended.
    pub(super) history: BTreeMap<Run, ExecutionState>,
}

/// One attempt as it is kept.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) row: StepRow,
    /// Taken over from the run before.
    pub(super) carried: bool,
}

impl Row {
    /// The attempts of the present run, in order of step and number.
    pub(super) fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts_of(self.owned.run)
    }

    pub(super) fn attempts_of(&self, run: Run) -> impl Iterator<Item = &Attempt> {
        let range = (run, StepId(0), 0)..=(run, StepId(u16::MAX), u32::MAX);
        self.steps.range(range).map(|(_, attempt)| attempt)
    }

    /// The latest attempt of a step of the present run.
    pub(super) fn latest(&self, step: StepId) -> Option<&StepRow> {
        let run = self.owned.run;
        let mut found = self.steps.range((run, step, 0)..=(run, step, u32::MAX));
        found.next_back().map(|(_, attempt)| &attempt.row)
    }

    /// The latest attempt of every step of the present run.
    pub(super) fn latest_steps(&self) -> Vec<StepRow> {
        let mut steps: Vec<StepRow> = Vec::new();
        for attempt in self.attempts() {
            if steps
                .last()
                .is_some_and(|last| last.step == attempt.row.step)
            {
                steps.pop();
            }
            steps.push(attempt.row.clone());
        }
        steps
    }

    /// Charges what is left up to `at`.
    fn close(&mut self, at: Timestamp) {
        let cause = self.account.cause().clone();
        self.account.switch(cause, at);
    }

    fn switch(&mut self, kind: CauseKind, at: Timestamp) {
        self.account.switch(Cause::plain(kind), at);
    }

    /// Attempts under way get this state, as of then.
    fn end_attempts(&mut self, state: StepState, at: Timestamp) {
        let run = self.owned.run;
        let range = (run, StepId(0), 0)..=(run, StepId(u16::MAX), u32::MAX);
        for (_, attempt) in self.steps.range_mut(range) {
            let ends = attempt.row.state == StepState::Running
                || (state == StepState::Cancelled && attempt.row.state == StepState::Waiting);
            if ends {
                attempt.row.state = state;
                attempt.row.retry_at = None;
                attempt.row.ended = Some(at.max(attempt.row.began));
            }
        }
    }
}

/// One process.
#[derive(Debug, Clone)]
pub(super) struct Process {
    pub(super) row: ProcessRow,
    pub(super) overlap: Overlap,
    pub(super) overlap_hash: i64,
    pub(super) entity_segment: u32,
    pub(super) executions: Vec<ExecutionId>,
    pub(super) idempotency_key: Option<String>,
    /// What the process was to become when it was last cancelled, until it is reopened.
    pub(super) cancelled_as: Option<carril_model::state::ProcessState>,
}

/// An engine that entered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) seen: Timestamp,
    pub(super) left: bool,
}

/// Everything that survives a crash.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    next_id: i64,
    pub(super) nodes: BTreeMap<NodeId, Node>,
    pub(super) processes: BTreeMap<ProcessId, Process>,
    pub(super) rows: BTreeMap<ExecutionId, Row>,
    /// By resource.
    pub(super) breakers: BTreeMap<String, BreakerRow>,
}

impl Tables {
    pub(super) fn process_row(&self, process: ProcessId) -> Option<ProcessRow> {
        let process = self.processes.get(&process)?;
        let mut row = process.row.clone();
        let own = row.own.map(|own| &self.rows[&own]);
        row.own_state = own.map(|own| own.state);
        row.own_segment = own.map(|own| own.segment);
        let waits = |row: &&Row| row.parked && row.state == ExecutionState::Waiting;
        row.waiting = process
            .executions
            .iter()
            .map(|id| &self.rows[id])
            .filter(waits)
            .count() as u64;
        Some(row)
    }

    /// The executions of a process with their rows, its own first.
    pub(super) fn executions(&self, process: ProcessId) -> impl Iterator<Item = &Row> {
        let executions = self
            .processes
            .get(&process)
            .map(|process| process.executions.as_slice());
        executions
            .unwrap_or_default()
            .iter()
            .map(|id| &self.rows[id])
    }
}

/// The store.
#[derive(Debug, Clone)]
pub(super) struct ModelStore {
    pub(super) tables: Tables,
    /// The tables before the last commit, which a crash brings back where a commit is not durable.
    before: Option<Box<Tables>>,
    bug: Option<Bug>,
    /// The first rule that a write broke.
    pub(super) broken: Option<Broken>,
}

/// What a transaction moved.
#[derive(Debug, Default)]
struct Moved {
    touched: Vec<ProcessId>,
    woken: Vec<ProcessId>,
    freed: BTreeSet<i64>,
}

impl Moved {
    fn touch(&mut self, process: ProcessId) {
        if !self.touched.contains(&process) {
            self.touched.push(process);
        }
    }

    fn wake(&mut self, process: ProcessId) {
        if !self.woken.contains(&process) {
            self.woken.push(process);
        }
    }
}

impl ModelStore {
    pub(super) fn new(bug: Option<Bug>) -> Self {
        Self {
            tables: Tables {
                next_id: 1,
                ..Tables::default()
            },
            before: None,
            bug,
            broken: None,
        }
    }

    /// Whether a bug is planted in it.
    pub(super) const fn has_bug(&self) -> bool {
        self.bug.is_some()
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn breaks(&mut self, rule: &'static str, text: String) {
        self.broken.get_or_insert(Broken { rule, text });
    }

    /// A crash: what was not durable is gone.
    pub(super) fn crash(&mut self) {
        if let Some(before) = self.before.take() {
            self.tables = *before;
        }
    }

    fn alive(&self, node: NodeId) -> Result<(), Fault> {
        let alive = self.tables.nodes.get(&node).is_some_and(|node| !node.left);
        if alive || self.has(Bug::LeaseNotChecked) {
            Ok(())
        } else {
            Err(Fault::LostLease)
        }
    }

    /// Commits a group.
    pub(super) fn commit(&mut self, node: NodeId, group: &Group) -> Result<Report, Fault> {
        self.alive(node)?;
        if self.has(Bug::AckBeforeDurable) {
            self.before = Some(Box::new(self.tables.clone()));
        }
        let mut moved = Moved::default();
        let mut report = Report::default();
        for record in &group.records {
            let verdict = self.record(record, &mut moved);
            report.verdicts.push(verdict);
        }
        for change in &group.processes {
            self.change(change, &mut moved);
        }
        for row in &group.breakers {
            self.keep_breaker(row);
        }
        if group.wakes > 0 {
            (report.due, report.next_due) = self.due(group.wakes, group.at, &mut moved);
        }
        for claim in &group.claims {
            report.claimed.extend(self.claim(node, *claim, group.at));
        }
        self.see(node, group.at);
        let rows = moved.touched.iter();
        report.processes = rows
            .filter_map(|process| self.tables.process_row(*process))
            .collect();
        report.woken = moved.woken;
        Ok(report)
    }

    /// Keeps a breaker, unless a newer row of it is there.
    fn keep_breaker(&mut self, row: &BreakerRow) {
        let kept = self.tables.breakers.get(&row.resource);
        if kept.is_none_or(|kept| kept.change < row.change || self.has(Bug::OlderBreakerKept)) {
            let resource = row.resource.clone();
            self.tables.breakers.insert(resource, row.clone());
        }
    }

    /// A refused commit must not have done anything; one bug does the first record all the same.
    pub(super) fn refuse(&mut self, group: &Group) {
        if self.has(Bug::RefusedHalfDone)
            && let Some(record) = group.records.first()
        {
            let _ = self.record(record, &mut Moved::default());
        }
    }

    fn row(&mut self, execution: ExecutionId) -> &mut Row {
        self.tables
            .rows
            .get_mut(&execution)
            .expect("whoever names an execution was given it by this store")
    }

    fn process(&mut self, process: ProcessId) -> &mut Process {
        self.tables
            .processes
            .get_mut(&process)
            .expect("an execution's process is there as long as it is")
    }

    /// The one way in which an execution's state changes.
    fn go(&mut self, execution: ExecutionId, event: ExecutionEvent) {
        let state = self.row(execution).state;
        match transition::execution(state, event) {
            Ok(next) => self.row(execution).state = next,
            Err(illegal) => self.breaks("legal states only", format!("{execution}: {illegal}")),
        }
    }

    /// Settles an unsettled execution from outside its claim. Its lane key is the caller's to pass on.
    fn end(&mut self, execution: ExecutionId, at: Timestamp, moved: &mut Moved) {
        let keeps_wake = self.has(Bug::CancelledWoken);
        let row = self.row(execution);
        let (owned, segment) = (row.owned, row.segment);
        row.close(at);
        row.cancelling = false;
        row.ended_at = Some(at);
        row.end_attempts(StepState::Cancelled, at);
        if !keeps_wake {
            row.wake_at = None;
        }
        row.wake_keys.clear();
        row.parked = false;
        moved.freed.extend(row.lane_hash);
        self.go(execution, ExecutionEvent::Cancel);
        let forget = self.has(Bug::CancelNotCounted);
        let process = self.process(owned.process);
        if segment == process.row.segment {
            process.row.open -= 1;
        }
        if !owned.per_process && !forget {
            process.row.tally.cancelled += 1;
        }
        moved.touch(owned.process);
    }

    /// What a claim hands out.
    fn claimed(&self, execution: ExecutionId, fresh: bool) -> Claimed {
        let row = &self.tables.rows[&execution];
        let forget = self.has(Bug::StepsForgotten);
        Claimed {
            owned: row.owned,
            segment: row.segment,
            entity_key: row.entity_key.clone(),
            attributes: (*row.attributes).clone(),
            account: row.account.clone(),
            fresh: fresh || self.has(Bug::FirstAlways),
            steps: if forget {
                Vec::new()
            } else {
                row.latest_steps()
            },
            cancelling: row.cancelling && !self.has(Bug::CancelForgotten),
            signals: row.signals.clone(),
        }
    }

    /// What a pending execution of a process waits for: that it is resumed, a lane, or the one before it.
    fn waits_for(&self, process: ProcessId, ready: bool) -> CauseKind {
        let known = self.tables.processes.get(&process);
        match known.map(|process| process.row.state) {
            Some(ProcessState::Paused) => CauseKind::Paused,
            _ => pending_cause(ready),
        }
    }

    fn raise(&mut self, execution: ExecutionId) -> Token {
        let row = self.row(execution);
        row.owned.token = Token(row.owned.token.0 + 1);
        row.owned.token
    }
}

/// What a pending execution waits for: a lane, or the one before it.
const fn pending_cause(ready: bool) -> CauseKind {
    if ready {
        CauseKind::Queued
    } else {
        CauseKind::Key
    }
}
