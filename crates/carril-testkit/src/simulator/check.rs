//! The rules: what must be true after every write, when an attempt begins, and when everything is quiet.
//!
//! They are told by counting again and by what was seen before, never by asking the numbers that they are about.

mod breakers;

use super::engine::control::VERSION_RULE;
use super::store::{Process, Row};
use super::world::World;
use carril_model::breaker::BreakerRow;
use carril_model::contract::{Change, Group, Owned, Report, StepCall, Tally, Verdict};
use carril_model::id::{ExecutionId, ProcessId, Run, StepId};
use carril_model::retry;
use carril_model::state::{ExecutionState, ProcessState, StepState};
use std::collections::{BTreeMap, BTreeSet};

/// What was seen and acknowledged so far.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The highest token of each execution.
    tokens: BTreeMap<ExecutionId, i64>,
    /// What each run's account had charged.
    charged: BTreeMap<(ExecutionId, Run), i64>,
    /// How attempts that were acknowledged ended.
    attempts: BTreeMap<(ExecutionId, Run, StepId, u32), StepState>,
    /// How runs that were acknowledged settled.
    settled: BTreeMap<(ExecutionId, Run), ExecutionState>,
    /// The newest row of each breaker.
    breakers: BTreeMap<String, BreakerRow>,
}

impl World {
    /// After a commit: what it claimed, and everything that always holds.
    pub(super) fn check_commit(&mut self, group: &Group, report: Option<&Report>) {
        let Some(report) = report else { return };
        self.check_breaker_rows(group);
        for claimed in &report.claimed {
            let process = &self.store.tables.processes[&claimed.owned.process];
            if process.row.state == ProcessState::Paused {
                let text = format!("process {}", claimed.owned.process);
                self.breaks("nobody of a paused process is claimed", text);
            }
            let before = self.ledger.tokens.get(&claimed.owned.execution).copied();
            if before.is_some_and(|before| claimed.owned.token.0 <= before) {
                let text = format!("execution {}", claimed.owned.execution);
                self.breaks("every claim raises the token", text);
            }
            self.note(
                "claim",
                [
                    claimed.owned.execution.0,
                    claimed.owned.token.0,
                    i64::from(claimed.fresh),
                    0,
                ],
            );
        }
        for (record, verdict) in group.records.iter().zip(&report.verdicts) {
            if let (Change::Settled { state, .. }, Verdict::Done) = (&record.change, verdict) {
                let key = (record.owned.execution, record.owned.run);
                self.note("settled", [key.0.0, i64::from(key.1.0), state.code(), 0]);
                let again = self.ledger.settled.insert(key, *state);
                if again.is_some() {
                    let text = format!("execution {} run {}", key.0, key.1);
                    self.breaks("an execution settles once per run", text);
                }
            }
        }
        self.check_now();
    }

    /// A version of which too much has failed is launched by nobody who does not insist. Counted from executions.
    pub(super) fn check_version(&mut self, launched: ProcessId, insists: bool) {
        let tables = &self.store.tables;
        let own = &tables.processes[&launched].row;
        let is_same = |row: &&Row| {
            let other = &tables.processes[&row.owned.process].row;
            !row.owned.per_process
                && (&other.pipeline, &other.version) == (&own.pipeline, &own.version)
                && other.state != ProcessState::Launching
        };
        let is_past_a_barrier = |row: &&Row| {
            !row.state.is_settled()
                && row.segment > tables.processes[&row.owned.process].entity_segment
        };
        let lanes = tables.rows.values().filter(is_same);
        let at_barriers = lanes.filter(is_past_a_barrier).count() as u64;
        let states: Vec<ExecutionState> = tables
            .rows
            .values()
            .filter(is_same)
            .map(|row| row.state)
            .collect();
        let count = |wanted: &[ExecutionState]| {
            states.iter().filter(|state| wanted.contains(state)).count() as u64
        };
        let failed = count(&[ExecutionState::Failed]);
        let through = count(&[ExecutionState::Succeeded, ExecutionState::Skipped]);
        let settled = failed + through + at_barriers;
        if !insists && VERSION_RULE.is_broken(settled, failed) {
            let text = format!("process {launched}: {failed} of {settled} had failed");
            self.breaks(
                "a bad version is launched by nobody who does not insist",
                text,
            );
        }
    }

    /// Who begins to undo an execution must have a token that nobody had before.
    pub(super) fn check_raised(&mut self, begun: &[Owned]) {
        let seen =
            |owned: &&Owned| self.ledger.tokens.get(&owned.execution) == Some(&owned.token.0);
        if let Some(owned) = begun.iter().find(seen) {
            let text = format!("execution {}", owned.execution);
            self.breaks("a rollback raises the token", text);
        }
    }

    /// A group that was acknowledged is kept: what it says must stay, and it may come again.
    pub(super) fn remember(&mut self, group: &Group, report: &Report) {
        let mut again = Group {
            at: group.at,
            ..Group::default()
        };
        for (record, verdict) in group.records.iter().zip(&report.verdicts) {
            if *verdict == Verdict::Lost {
                continue;
            }
            let owned = record.owned;
            if let Change::StepEnded(end) = &record.change {
                let key = (owned.execution, owned.run, end.step, end.attempt);
                self.ledger.attempts.insert(key, end.state);
            }
            // A cause says only what is waited for; saying it again is no harm.
            if !matches!(record.change, Change::Cause { .. } | Change::Waited { .. }) {
                again.records.push(record.clone());
            }
        }
        if !again.records.is_empty() && self.past.len() < 64 {
            self.past.push(again);
        }
    }

    /// Nothing of a group that comes a second time is taken.
    pub(super) fn check_stale(&mut self, group: &Group, report: Option<&Report>) {
        let Some(report) = report else { return };
        let taken = group.records.iter().zip(&report.verdicts);
        for (record, verdict) in taken {
            if *verdict == Verdict::Done {
                let text = format!("execution {} {:?}", record.owned.execution, record.change);
                self.breaks("a late or repeated write changes nothing", text);
            }
        }
        self.check_now();
    }

    /// What holds after every write.
    pub(super) fn check_now(&mut self) {
        let mut found = None;
        let mut keys: BTreeSet<i64> = BTreeSet::new();
        for row in self.store.tables.rows.values() {
            let id = row.owned.execution;
            let token = self.ledger.tokens.entry(id).or_insert(-1);
            if row.owned.token.0 < *token {
                found = found.or(Some(("tokens only grow", id)));
            }
            *token = row.owned.token.0;
            if row.state == ExecutionState::Running
                && let Some(key) = row.lane_hash
                && !keys.insert(key)
            {
                found = found.or(Some(("lanes of one key never overlap", id)));
            }
            let called =
                |signal: &carril_model::contract::Signal| row.wake_keys.contains(&signal.key);
            let parked = row.parked && row.state == ExecutionState::Waiting;
            if parked && row.signals.iter().any(called) {
                found = found.or(Some(("what is waited for and there wakes", id)));
            }
            let charged: i64 = row.account.sums().values().sum();
            let life = row.account.since().0 - row.opened.0 - row.uncharged;
            if charged != life || row.account.sums().values().any(|sum| *sum < 0) {
                found = found.or(Some(("the time account adds up", id)));
            }
            let before = self.ledger.charged.entry((id, row.owned.run)).or_insert(0);
            if charged < *before {
                found = found.or(Some(("charged time only grows", id)));
            }
            *before = charged;
        }
        if let Some((rule, id)) = found {
            self.breaks(rule, format!("execution {id}"));
        }
        let wrong = self
            .store
            .tables
            .processes
            .values()
            .find(|process| !self.counts(process));
        if let Some(process) = wrong {
            let text = format!(
                "process {}: {:?}, open {}",
                process.row.id, process.row.tally, process.row.open
            );
            self.breaks("tallies are a recount", text);
        }
    }

    /// Whether the numbers of a process are those of its executions.
    fn counts(&self, process: &Process) -> bool {
        let mut tally = Tally::default();
        let mut open = 0;
        for row in self.store.tables.executions(process.row.id) {
            let here = row.segment == process.row.segment
                && (matches!(row.state, ExecutionState::Pending | ExecutionState::Running)
                    || row.parked);
            open += u64::from(here);
            if !row.owned.per_process {
                tally.total += 1;
                super::store::count(&mut tally, row.state, 1);
            }
        }
        process.row.tally == tally && (process.row.open == open || process.row.state.is_settled())
    }

    /// An attempt is about to begin: everything that it depends on must be durable.
    pub(super) fn check_begin(&mut self, call: &StepCall) {
        self.check_let_through(call);
        let Some(row) = self.store.tables.rows.get(&call.execution()) else {
            return;
        };
        if row.claimed_cancelling && row.owned.token == call.token {
            let text = format!("execution {}", call.execution());
            return self.breaks("who was to be cancelled begins nothing", text);
        }
        if row.owned.token != call.token || row.owned.run != call.run() {
            // The claim was lost meanwhile; the lane hears of it with its next write.
            return;
        }
        if let Some(missing) = not_durable(call, row) {
            let text = format!(
                "execution {} step {} begins before step {} is durable",
                call.execution(),
                call.step.0,
                missing.0
            );
            self.breaks("no step begins before what it depends on is durable", text);
        }
    }

    /// Everything has come to rest: nothing may be left, and nothing acknowledged may be gone.
    pub(super) fn check_quiet(&mut self) {
        if !self.is_idle() {
            let text = self.engine.as_ref().map(|engine| {
                let lanes = engine.lanes.values();
                let lanes: Vec<i64> = lanes.map(|lane| lane.owned.execution.0).collect();
                format!("lanes {lanes:?}, {} messages", engine.queue.len())
            });
            self.breaks("at quiet nothing is under way", text.unwrap_or_default());
        }
        let known = |process: &ProcessId| self.store.tables.processes.contains_key(process);
        if let Some(gone) = self.acknowledged.iter().find(|process| !known(process)) {
            let text = format!("process {gone}");
            self.breaks("an acknowledged launch stays", text);
        }
        let left = self.store.tables.processes.values();
        if let Some(process) = left.into_iter().find(|process| !is_at_rest(process)) {
            let row = &process.row;
            let mut text = format!(
                "process {} is {} in segment {} with {} open:",
                row.id, row.state, row.segment, row.open
            );
            for one in self.store.tables.executions(row.id) {
                let (id, segment, cause) = (one.owned.execution, one.segment, one.account.cause());
                let (ready, key) = (i64::from(one.ready), one.lane_hash.unwrap_or(-1));
                let one = format!(" {id} {} {segment} {cause} {ready} {key}", one.state);
                text.push_str(&one);
            }
            self.breaks("at quiet every process has settled", text);
        }
        let mut found = None;
        for row in self.store.tables.rows.values() {
            found = found.or_else(|| self.left_over(row).map(|rule| (rule, row.owned.execution)));
        }
        if let Some((rule, id)) = found {
            self.breaks(rule, format!("execution {id}"));
        }
        self.check_kept();
        self.check_breakers_kept();
    }

    /// What an execution must not look like at the end.
    fn left_over(&self, row: &Row) -> Option<&'static str> {
        let id = row.owned.execution;
        if !row.state.is_settled() || row.rolling_back || row.cancelling {
            return Some("at quiet nothing is running, claimed or half undone");
        }
        let kept = !matches!(
            row.state,
            ExecutionState::Failed | ExecutionState::Cancelled
        );
        if kept && self.target.workspaces.contains(&id) {
            return Some("at quiet no workspace is left that should be gone");
        }
        let undone = row.state == ExecutionState::RolledBack;
        for ((run, step, _), attempt) in &row.steps {
            let part = (id, *run, *step);
            let effects = self.target.count(part);
            if matches!(attempt.row.state, StepState::Running | StepState::Waiting) {
                return Some("every attempt has an end");
            }
            if attempt.carried {
                continue;
            }
            let waits = self.plan_of(row.owned.process).step(*step).wait().is_some();
            let done = attempt.row.state == StepState::Succeeded && !attempt.row.fallback && !waits;
            if done && !undone && *run == row.owned.run && effects != 1 {
                return Some("what succeeded has its effect once");
            }
            if *run == row.owned.run && gave_up_early(self, row, attempt) {
                return Some("a failure that is to be tried again is");
            }
        }
        let mut effects = self.target.effects.keys();
        if undone && effects.any(|(execution, ..)| *execution == id) {
            return Some("what is rolled back has no effects");
        }
        None
    }

    fn check_kept(&mut self) {
        let rows = &self.store.tables.rows;
        let lost = self.ledger.attempts.iter().find(|(key, state)| {
            let (execution, run, step, attempt) = **key;
            let row = rows.get(&execution);
            let kept = row.and_then(|row| row.steps.get(&(run, step, attempt)));
            kept.is_none_or(|kept| kept.row.state != **state)
        });
        let gone = self
            .ledger
            .settled
            .iter()
            .find(|((execution, run), state)| {
                let Some(row) = rows.get(execution) else {
                    return true;
                };
                let now = (row.owned.run == *run).then_some(row.state);
                let was = row.history.get(run).copied().or(now);
                was != Some(**state)
            });
        let text = lost
            .map(|(key, _)| format!("attempt {key:?}"))
            .or_else(|| gone.map(|(key, _)| format!("the end of {key:?}")));
        if let Some(text) = text {
            self.breaks("nothing acknowledged is lost", text);
        }
        let carried = self
            .carried
            .iter()
            .find(|part| self.target.count(**part) > 0);
        if let Some((execution, run, step)) = carried {
            let text = format!("execution {execution} run {run} step {}", step.0);
            self.breaks("what a retry takes over is not done again", text);
        }
    }
}

/// Whether a process may look like this when nothing happens any more.
fn is_at_rest(process: &Process) -> bool {
    let undone = process.row.tally.total > 0
        && process.row.tally.rolled_back == process.row.tally.total
        && process.row.own.is_none();
    process.row.state.is_settled() && (!undone || process.row.state == ProcessState::RolledBack)
}

/// A step that failed for good although its policy wants another attempt.
fn gave_up_early(world: &World, row: &Row, attempt: &super::store::Attempt) -> bool {
    let Some(error) = &attempt.row.error else {
        return false;
    };
    let is_last = row
        .steps
        .range((row.owned.run, attempt.row.step, attempt.row.attempt + 1)..)
        .next()
        .is_none_or(|((run, step, _), _)| *run != row.owned.run || *step != attempt.row.step);
    let policy = &world
        .plan_of(row.owned.process)
        .step(attempt.row.step)
        .retry;
    let wanted = retry::delay(policy, error.class, attempt.row.failures, None, 0).is_some();
    // A condition that cannot be evaluated is no attempt, and a step that does not wait for an open breaker spends none.
    let settled = matches!(
        row.state,
        ExecutionState::Failed | ExecutionState::Succeeded
    );
    attempt.row.state == StepState::Failed
        && is_last
        && settled
        && wanted
        && !["CAR0514", "CAR0540"].contains(&error.code.as_str())
}

/// A step that must have ended before this one may begin, and has not.
fn not_durable(call: &StepCall, row: &Row) -> Option<StepId> {
    let plan = &call.plan;
    let here = plan.planned(call.step);
    let scope = plan.stage_of(call.step).per;
    let parallel = plan.stage_of(call.step).parallel;
    let is_over = |step: StepId| {
        let ended = |row: &carril_model::contract::StepRow| {
            let settled = matches!(
                row.state,
                StepState::Succeeded | StepState::Failed | StepState::Skipped
            );
            settled && row.retry_at.is_none()
        };
        row.latest(step).is_some_and(ended)
    };
    let mut before = plan.steps().iter().filter(|other| {
        let same_scope = plan.stage_of(other.id).per == scope;
        let earlier = other.stage < here.stage
            || (other.stage == here.stage
                && other.id < call.step
                && !parallel
                && !here.is_fallback);
        let primary = other.stage == here.stage && other.fallback == Some(call.step);
        same_scope && !other.is_fallback && (earlier || primary)
    });
    before
        .find(|other| !is_over(other.id))
        .map(|other| other.id)
}
