//! One execution's state machine: what its lane does next.
//!
//! Sans I/O: it is told what happened and when, and answers with the changes to journal and the orders to carry out *after*
//! those changes are durable (P2). It has no clock, no store and no randomness, so the engine, recovery and a simulator
//! drive the very same code. It owns the execution's time account.
//!
//! ```text
//!   claim ──► start ──► orders: attempt a step ──► waits_for / begin ──► ended ──► changes, orders, end
//!                               sleep until    ──► due
//!                               stop a step    ──► ended
//! ```

mod context;
mod locks;
mod proceed;
mod waits;

pub use context::Context;
pub use waits::PARK_AFTER_MICROS;

use crate::account::{Cause, CauseKind, TimeAccount};
use crate::contract::{
    Change, Claimed, ErrorClass, Owned, Signal, StepCall, StepDone, StepEnd, StepError, StepRow,
};
use crate::definition::{Effects, Fallback};
use crate::id::StepId;
use crate::lock::{LockNews, LockWait};
use crate::plan::Plan;
use crate::retry;
use crate::state::{ExecutionState, StepState};
use crate::time::Timestamp;
use crate::transition::{self, Illegal, StepEvent};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// Single waits of at least this many microseconds become WAIT records of the trace; shorter ones are only summed.
pub const WAIT_RECORDED_MICROS: i64 = 10_000;

/// What the lane must do, once the changes of the same transition are durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Take the step's slots and begin its next attempt.
    Attempt(StepId),
    /// Call [`Execution::due`] at this time.
    Sleep(StepId, Timestamp),
    /// Ask the running attempt to stop; its end is still awaited.
    Stop(StepId),
}

/// How the lane's work on this execution ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The run is over.
    Settled(ExecutionState),
    /// It waits, without a lane: at a barrier, or for what its steps wait for.
    Parked,
    /// It was handed back.
    Released,
    /// Somebody else owns it: nothing more may be written for it.
    Lost,
}

/// What follows from an event.
#[derive(Debug, Default, PartialEq)]
pub struct Transition {
    /// To be journaled, in this order and together.
    pub changes: Vec<Change>,
    /// To be done when they are durable.
    pub orders: Vec<Order>,
    /// Set when the lane is done with it.
    pub end: Option<End>,
}

/// One execution in the hands of a lane.
#[derive(Debug, Clone)]
pub struct Execution {
    owned: Owned,
    context: Arc<Context>,
    segment: usize,
    /// The first stage that may have something left to do.
    stage: usize,
    fresh: bool,
    cancelling: bool,
    draining: bool,
    lost: bool,
    account: TimeAccount,
    progress: Vec<Progress>,
    /// Signals that no step has taken, as they were when it was claimed.
    signals: Vec<Signal>,
    claimed_at: Timestamp,
    /// Up to when it is decided what its time is charged to.
    judged: Timestamp,
}

/// How far one step is.
#[derive(Debug, Clone)]
struct Progress {
    state: StepState,
    /// An attempt is wanted and waits for its slots.
    ordered: bool,
    /// When its next attempt is due, while it backs off; when its wait is over, while it waits.
    due: Option<Timestamp>,
    attempt: u32,
    failures: u32,
    began: Timestamp,
    /// What the attempt to come waits for, since when.
    waiting: Option<(Cause, Timestamp)>,
    waits: Vec<(Cause, i64)>,
    /// The lock that its attempt waits for while it runs.
    lock: Option<Box<LockWait>>,
    /// When it last had all the locks that it had asked for.
    unlocked: Timestamp,
    error: Option<StepError>,
    /// What it asks a person.
    question: Option<String>,
}

impl Progress {
    const NEW: Self = Self {
        state: StepState::Pending,
        ordered: false,
        due: None,
        attempt: 0,
        failures: 0,
        began: Timestamp(0),
        waiting: None,
        waits: Vec::new(),
        lock: None,
        unlocked: Timestamp(0),
        error: None,
        question: None,
    };

    /// Goes on from the latest attempt that the store has.
    fn take_up(&mut self, plan: &Plan, row: &StepRow) {
        self.attempt = row.attempt;
        self.failures = row.failures;
        match (row.state, row.retry_at) {
            (StepState::Failed, Some(due)) => {
                self.due = Some(due);
                let since = row.ended.unwrap_or(row.began);
                self.waiting = Some((Cause::plain(CauseKind::Backoff), since));
            }
            (StepState::Waiting, due) => {
                if let Some(wait) = plan.step(row.step).wait() {
                    let cause = wait.cause(&plan.planned(row.step).path);
                    self.state = StepState::Waiting;
                    self.began = row.began;
                    self.due = due;
                    self.waiting = Some((cause, row.began));
                }
            }
            (StepState::Succeeded | StepState::Failed | StepState::Skipped, _) => {
                self.state = row.state;
            }
            // Whoever had this attempt is gone, or it was stopped in a run that is over: it is tried anew.
            (
                StepState::Running
                | StepState::Interrupted
                | StepState::Cancelled
                | StepState::Pending,
                _,
            ) => {}
        }
    }

    /// What it waits for: the lock that its attempt meets, or what stands before its next one.
    fn waits_for(&self) -> Option<Cause> {
        match (&self.lock, &self.waiting) {
            (Some(lock), _) => Some(Cause::about(CauseKind::Lock, lock.about())),
            (None, waiting) => waiting.as_ref().map(|(cause, _)| cause.clone()),
        }
    }

    const fn is_active(&self) -> bool {
        matches!(self.state, StepState::Running | StepState::Waiting)
            || self.ordered
            || self.due.is_some()
    }
}

impl Execution {
    /// Takes up an execution that was just claimed.
    #[must_use]
    pub fn resume(plan: &Arc<Plan>, params: &Arc<Map<String, Value>>, claimed: Claimed) -> Self {
        let mut progress = vec![Progress::NEW; plan.steps().len()];
        let mut outputs = std::collections::BTreeMap::new();
        for row in claimed.steps {
            let Some(step) = progress.get_mut(row.step.index()) else {
                continue;
            };
            step.take_up(plan, &row);
            step.error = row.error;
            if let Some(output) = row.output {
                outputs.insert(row.step, output);
            }
        }
        let seen: Vec<(StepId, Value)> = outputs
            .iter()
            .flat_map(|(step, output)| {
                stood_in_for(plan, *step).map(|other| (other, output.clone()))
            })
            .collect();
        outputs.extend(seen);
        let context = Context {
            process: claimed.owned.process,
            execution: claimed.owned.execution,
            run: claimed.owned.run,
            entity_key: claimed.entity_key.map(Arc::from),
            params: Arc::clone(params),
            entity: Arc::new(claimed.attributes),
            outputs,
            plan: Arc::clone(plan),
        };
        let segment = (claimed.segment as usize).min(plan.segments().len() - 1);
        Self {
            owned: claimed.owned,
            context: Arc::new(context),
            segment,
            stage: plan.segments()[segment].stages.start,
            fresh: claimed.fresh,
            cancelling: claimed.cancelling,
            draining: false,
            lost: false,
            claimed_at: claimed.account.since(),
            judged: claimed.account.since(),
            account: claimed.account,
            progress,
            signals: claimed.signals,
        }
    }

    /// Whose hands it is in.
    #[must_use]
    pub const fn owned(&self) -> Owned {
        self.owned
    }

    /// The values its steps see.
    #[must_use]
    pub const fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Where its time went so far.
    #[must_use]
    pub const fn account(&self) -> &TimeAccount {
        &self.account
    }

    /// Says what is to be done first.
    pub fn start(&mut self, now: Timestamp) -> Transition {
        let mut out = Transition::default();
        for (at, step) in self.progress.iter().enumerate() {
            if let Some(due) = step.due
                && step.state != StepState::Waiting
            {
                out.orders.push(Order::Sleep(step_id(at), due));
            }
        }
        if !self.cancelling {
            self.resume_waits(now, &mut out);
        }
        self.proceed(now, &mut out);
        self.recharge(now);
        out
    }

    /// The ordered attempt cannot begin yet: it waits for this.
    pub fn waits_for(&mut self, step: StepId, cause: Cause, now: Timestamp) {
        self.close_wait(step, now);
        self.progress[step.index()].waiting = Some((cause, now));
        self.recharge(now);
    }

    /// The ordered attempt begins now. Returns what to run, and the changes that ride with the next commit.
    ///
    /// # Errors
    /// [`Illegal`] for a step that was not ordered.
    pub fn begin(
        &mut self,
        step: StepId,
        now: Timestamp,
    ) -> Result<(StepCall, Vec<Change>), Illegal> {
        let progress = &self.progress[step.index()];
        if !progress.ordered {
            // It was stopped while it waited for its slots: nothing begins any more.
            return Err(Illegal {
                what: "a step that is not wanted",
                state: progress.state.name(),
                event: StepEvent::Begin.name(),
            });
        }
        let mut changes = Vec::new();
        if let Some(waited) = self.close_wait(step, now) {
            changes.push(waited);
        }
        let progress = &mut self.progress[step.index()];
        progress.state = transition::step(progress.state, StepEvent::Begin)?;
        progress.ordered = false;
        progress.attempt += 1;
        progress.began = now;
        progress.unlocked = now;
        let attempt = progress.attempt;
        changes.push(Change::StepBegan {
            step,
            attempt,
            at: now,
        });
        let timeout = self.context.plan.step(step).timeout;
        let call = StepCall {
            plan: Arc::clone(&self.context.plan),
            step,
            attempt,
            token: self.owned.token,
            first: self.fresh && attempt == 1,
            has_workspace: self.in_workspace().next().is_some(),
            worked: self.fenced_in_workspace(),
            context: Arc::clone(&self.context),
            deadline: now.after(timeout),
            locks: None,
        };
        self.recharge(now);
        Ok((call, changes))
    }

    /// The ordered attempt fails without being made: a limit of its step said no. It is an attempt like any other, and the last
    /// one whatever the retry policy says, so that a fallback answers at once.
    ///
    /// # Errors
    /// [`Illegal`] for a step that was not ordered.
    pub fn refused(
        &mut self,
        step: StepId,
        error: StepError,
        now: Timestamp,
    ) -> Result<Transition, Illegal> {
        let (_, changes) = self.begin(step, now)?;
        let mut out = Transition {
            changes: changes
                .into_iter()
                .filter(|change| matches!(change, Change::Waited { .. }))
                .collect(),
            ..Transition::default()
        };
        self.progress[step.index()].failures += 1;
        self.progress[step.index()].error = Some(error.clone());
        self.failed_for_good(step, error, None, now, &mut out)?;
        self.proceed(now, &mut out);
        self.recharge(now);
        Ok(out)
    }

    /// The steps of this run, and those that it took over, that have worked in the workspace.
    fn in_workspace(&self) -> impl Iterator<Item = StepId> + '_ {
        let done = self.progress.iter().enumerate().filter(|(_, progress)| {
            // One whose fallback stood in has an error, and left nothing.
            progress.state == StepState::Succeeded && progress.error.is_none()
        });
        let plan = &self.context.plan;
        done.map(|(at, _)| step_id(at))
            .filter(|step| plan.works_in_workspace(*step))
    }

    /// Those of them that left a fence row there; what commits by itself leaves none.
    fn fenced_in_workspace(&self) -> Vec<StepId> {
        let plan = &self.context.plan;
        self.in_workspace()
            .filter(|step| plan.step(*step).effects == Effects::ExactlyOnce)
            .collect()
    }

    /// The running attempt ended so. `seed` draws the wait before the next one, if there is one.
    ///
    /// # Errors
    /// [`Illegal`] for a step that does not run.
    pub fn ended(
        &mut self,
        step: StepId,
        result: Result<StepDone, StepError>,
        now: Timestamp,
        seed: u64,
    ) -> Result<Transition, Illegal> {
        let mut out = Transition::default();
        out.changes.extend(self.close_lock(step, now));
        match result {
            Ok(done) => self.succeeded(step, done, None, now, &mut out)?,
            Err(error) => self.failed(step, error, now, seed, &mut out)?,
        }
        self.proceed(now, &mut out);
        self.recharge(now);
        Ok(out)
    }

    /// A wait before the next attempt is over.
    pub fn due(&mut self, step: StepId, now: Timestamp) -> Transition {
        let mut out = Transition::default();
        if self.progress[step.index()].state == StepState::Waiting {
            if !self.cancelling && !self.draining {
                self.look(step, now, &mut out);
            }
            self.proceed(now, &mut out);
            self.recharge(now);
            return out;
        }
        let progress = &mut self.progress[step.index()];
        if progress.due.take().is_some() && !self.cancelling && !self.draining {
            progress.ordered = true;
            out.orders.push(Order::Attempt(step));
        }
        if let Some(waited) = self.close_wait(step, now) {
            out.changes.push(waited);
        }
        self.proceed(now, &mut out);
        self.recharge(now);
        out
    }

    /// Somebody wants it to stop: running attempts are asked to, nothing new begins, and it settles as cancelled.
    pub fn cancel(&mut self, now: Timestamp) -> Transition {
        self.cancelling = true;
        self.stop_waiting(now)
    }

    /// Its node is stopping: what runs may finish (or is stopped with `hard`), nothing new begins, and it is handed back.
    pub fn drain(&mut self, hard: bool, now: Timestamp) -> Transition {
        self.draining = true;
        let mut out = self.stop_waiting(now);
        if !hard {
            out.orders.clear();
        }
        out
    }

    fn stop_waiting(&mut self, now: Timestamp) -> Transition {
        let mut out = Transition::default();
        self.stop_steps(&mut out);
        self.proceed(now, &mut out);
        self.recharge(now);
        out
    }

    fn stop_steps(&mut self, out: &mut Transition) {
        for (at, progress) in self.progress.iter_mut().enumerate() {
            progress.ordered = false;
            progress.due = None;
            progress.waiting = None;
            if progress.state == StepState::Running {
                out.orders.push(Order::Stop(step_id(at)));
            }
        }
    }

    fn succeeded(
        &mut self,
        step: StepId,
        done: StepDone,
        instead_of: Option<StepError>,
        now: Timestamp,
        out: &mut Transition,
    ) -> Result<(), Illegal> {
        let progress = &mut self.progress[step.index()];
        progress.state = transition::step(progress.state, StepEvent::Succeed)?;
        progress.error.clone_from(&instead_of);
        let mut end = self.step_end(step, StepState::Succeeded, now);
        end.fallback = instead_of.is_some();
        end.error = instead_of;
        end.rows = done.rows;
        end.log = done.log;
        if let Some(output) = done.output {
            end.output = Some(output.clone());
            self.keep_output(step, &output);
        }
        out.changes.push(Change::StepEnded(Box::new(end)));
        Ok(())
    }

    /// An output is seen under its own step's name, and under those of the steps it stood in for.
    fn keep_output(&mut self, step: StepId, output: &Value) {
        let plan = Arc::clone(&self.context.plan);
        let context = Arc::make_mut(&mut self.context);
        context.outputs.insert(step, output.clone());
        for other in stood_in_for(&plan, step) {
            context.outputs.insert(other, output.clone());
        }
    }

    fn failed(
        &mut self,
        step: StepId,
        mut error: StepError,
        now: Timestamp,
        seed: u64,
        out: &mut Transition,
    ) -> Result<(), Illegal> {
        if error.class == ErrorClass::Fenced {
            let progress = &mut self.progress[step.index()];
            progress.state = transition::step(progress.state, StepEvent::Interrupt)?;
            self.lost = true;
            self.stop_steps(out);
            return Ok(());
        }
        let log = error.log.take();
        if self.cancelling {
            return self.stopped(step, StepEvent::Cancel, error, log, None, now, out);
        }
        if error.class == ErrorClass::Cancelled
            || (self.draining && error.class == ErrorClass::OutcomeUnknown)
        {
            return self.stopped(step, StepEvent::Interrupt, error, log, None, now, out);
        }
        let plan = Arc::clone(&self.context.plan);
        let policy = &plan.step(step).retry;
        if error.class == ErrorClass::OutcomeUnknown {
            let wait = policy.backoff_min.max(Duration::from_millis(50));
            return self.stopped(step, StepEvent::Interrupt, error, log, Some(wait), now, out);
        }
        let failures = self.progress[step.index()].failures + 1;
        self.progress[step.index()].failures = failures;
        self.progress[step.index()].error = Some(error.clone());
        if let Some(wait) = retry::delay(policy, error.class, failures, error.retry_after, seed) {
            return self.stopped(step, StepEvent::Retry, error, log, Some(wait), now, out);
        }
        self.failed_for_good(step, error, log, now, out)
    }

    /// No further attempt is made: the fallback's value stands in, or the step has failed.
    fn failed_for_good(
        &mut self,
        step: StepId,
        error: StepError,
        log: Option<String>,
        now: Timestamp,
        out: &mut Transition,
    ) -> Result<(), Illegal> {
        let plan = Arc::clone(&self.context.plan);
        if let Some(Fallback::Value(value)) = &plan.step(step).fallback {
            let done = StepDone {
                output: Some(value.clone()),
                rows: Vec::new(),
                log,
            };
            return self.succeeded(step, done, Some(error), now, out);
        }
        self.stopped(step, StepEvent::Fail, error, log, None, now, out)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one place records every attempt that did not succeed"
    )]
    fn stopped(
        &mut self,
        step: StepId,
        event: StepEvent,
        error: StepError,
        log: Option<String>,
        again_after: Option<Duration>,
        now: Timestamp,
        out: &mut Transition,
    ) -> Result<(), Illegal> {
        let progress = &mut self.progress[step.index()];
        progress.state = transition::step(progress.state, event)?;
        let attempt_state = match event {
            StepEvent::Cancel => StepState::Cancelled,
            StepEvent::Interrupt => StepState::Interrupted,
            _ => StepState::Failed,
        };
        let unknown = error.class == ErrorClass::OutcomeUnknown;
        let mut end = self.step_end(step, attempt_state, now);
        end.error = Some(error);
        end.log = log;
        end.retry_at = again_after.map(|wait| now.after(wait));
        // While it drains, whoever takes the execution up next waits and tries again.
        if let Some(due) = end.retry_at.filter(|_| !self.draining) {
            let progress = &mut self.progress[step.index()];
            progress.due = Some(due);
            let kind = if unknown {
                CauseKind::OutcomeUnknown
            } else {
                CauseKind::Backoff
            };
            progress.waiting = Some((Cause::plain(kind), now));
            out.orders.push(Order::Sleep(step, due));
        }
        out.changes.push(Change::StepEnded(Box::new(end)));
        Ok(())
    }

    fn step_end(&mut self, step: StepId, state: StepState, now: Timestamp) -> StepEnd {
        let progress = &mut self.progress[step.index()];
        StepEnd {
            step,
            attempt: progress.attempt,
            failures: progress.failures,
            state,
            began: progress.began,
            ended: now,
            retry_at: None,
            fallback: false,
            reason: progress.question.take(),
            output: None,
            rows: Vec::new(),
            error: None,
            log: None,
            waits: std::mem::take(&mut progress.waits),
        }
    }

    fn close_wait(&mut self, step: StepId, now: Timestamp) -> Option<Change> {
        let progress = &mut self.progress[step.index()];
        let (cause, from) = progress.waiting.take()?;
        let micros = now.micros_since(from);
        if micros > 0 {
            match progress.waits.iter_mut().find(|(known, _)| *known == cause) {
                Some((_, sum)) => *sum += micros,
                None => progress.waits.push((cause.clone(), micros)),
            }
        }
        (micros >= WAIT_RECORDED_MICROS).then_some(Change::Waited {
            step: Some(step),
            cause,
            from,
            until: now,
            lock: None,
        })
    }

    /// Charges the time from now on: to `running` if any step runs, else to what the first active step waits for, else to the journal.
    fn recharge(&mut self, now: Timestamp) {
        self.judged = self.judged.max(now);
        let mut cause = None;
        for progress in &self.progress {
            if progress.state == StepState::Running && progress.lock.is_none() {
                cause = Some(Cause::plain(CauseKind::Running));
                break;
            }
            cause = cause.or_else(|| progress.waits_for());
        }
        let cause = cause.unwrap_or(Cause::plain(CauseKind::Store));
        if *self.account.cause() != cause {
            self.account.switch(cause, now);
        }
    }
}

/// The steps that this one stands in for, under whose names its output is seen, too.
fn stood_in_for(plan: &Plan, step: StepId) -> impl Iterator<Item = StepId> + '_ {
    let steps = plan.steps().iter().map(|other| other.id);
    steps.filter(move |other| plan.stand_ins(*other).any(|stand_in| stand_in == step))
}

fn step_id(at: usize) -> StepId {
    StepId(u16::try_from(at).expect("a plan has at most STEPS_MAX steps"))
}

#[cfg(test)]
mod tests;
