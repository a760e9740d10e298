//! A lane: runs one execution after the other by driving the model's state machine.
//!
//! One task per lane. Everything that happens to the execution (an attempt ended, a slot was got, a wait is over, somebody
//! wants it to stop) becomes an event of the machine; what the machine answers is first made durable, then carried out.
//! The lane's last write of an execution asks for the next one in the same commit, so a busy lane costs no claims of its own.

mod ear;
mod table;

pub(crate) use table::{LaneTable, Signal};

use crate::adapt::Ended;
use crate::attempt;
use crate::coordinator::Notice;
use crate::event::Event;
use crate::journal::{self, SoftPlace};
use crate::limits::{Admission, Admitted, Leave, Next as Ahead};
use crate::process_run::ProcessRun;
use crate::shared::Core;
use carril_model::account::Cause;
use carril_model::account::CauseKind;
use carril_model::breaker::Response;
use carril_model::contract::{Change, Claimed, Fault, Owned, StepDone, StepError, Whose};
use carril_model::execution::{End, Execution, Order, Transition};
use carril_model::id::StepId;
use carril_model::lock::LockNews;
use carril_model::retry;
use carril_model::state::{ExecutionState, StepState};
use carril_model::time::Timestamp;
use ear::Ear;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use table::Bell;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

enum LaneEvent {
    /// A wait for a limit of the step is over.
    Passed {
        step: StepId,
        in_hand: Admission,
    },
    /// A limit of the step said no.
    Refused {
        step: StepId,
        error: StepError,
    },
    Ended {
        step: StepId,
        result: Result<StepDone, StepError>,
        leaves: Vec<Leave>,
    },
    Due(StepId),
    Asked,
    /// Attempts have told of locks; it is heard before every event.
    Told,
}

type Work = Pin<Box<dyn Future<Output = LaneEvent> + Send>>;

/// Runs executions of one process until there is none left to take.
pub(crate) async fn run(
    core: Arc<Core>,
    process: Arc<ProcessRun>,
    first: Claimed,
    generation: u64,
) {
    let mut next = Some(first);
    let mut dry = false;
    while let Some(claimed) = next.take() {
        let owned = claimed.owned;
        let span = tracing::info_span!(
            "lane",
            process = owned.process.0,
            execution = owned.execution.0,
            entity = claimed.entity_key.as_deref()
        );
        let lane = Lane::new(&core, &process, claimed, generation);
        match lane.run().instrument(span).await {
            Ok(after) => {
                dry = after.asked;
                next = after.claimed;
            }
            // The journal has stopped, or the engine has lost its store; the coordinator knows.
            Err(fault) => {
                tracing::debug!(%fault, execution = owned.execution.0, "the lane ends without its journal");
            }
        }
    }
    core.notify(Notice::LaneFree {
        process: process.id,
        dry,
    })
    .await;
}

struct Lane<'a> {
    core: &'a Arc<Core>,
    process: &'a Arc<ProcessRun>,
    machine: Execution,
    owned: Owned,
    soft: SoftPlace,
    bell: Arc<Bell>,
    work: FuturesUnordered<Work>,
    stops: HashMap<StepId, CancellationToken>,
    /// When attempts that run began, and how long this execution had waited for locks by then.
    began: HashMap<StepId, (Timestamp, i64)>,
    ear: Arc<Ear>,
    published: bool,
    answered: Option<Signal>,
}

impl<'a> Lane<'a> {
    fn new(
        core: &'a Arc<Core>,
        process: &'a Arc<ProcessRun>,
        claimed: Claimed,
        generation: u64,
    ) -> Self {
        let owned = claimed.owned;
        core.emit(|| Event::Started {
            process: owned.process,
            execution: owned.execution,
            run: owned.run,
            entity: claimed.entity_key.as_deref().map(Arc::from),
            at: core.clock.now(),
        });
        Self {
            core,
            process,
            machine: Execution::resume(&process.plan, &process.params, claimed),
            owned,
            soft: core.journal.soft_place(owned),
            bell: core.lanes.enter(owned, generation),
            work: FuturesUnordered::new(),
            stops: HashMap::new(),
            began: HashMap::new(),
            ear: Arc::default(),
            published: false,
            answered: None,
        }
    }

    async fn run(mut self) -> Result<Next, Fault> {
        tracing::debug!("the lane begins");
        let mut transition = self.first();
        loop {
            if self.bell.wanted() == Some(Signal::Lost) {
                self.stop_work().await;
                return Err(Fault::LostLease);
            }
            match self.apply(transition).await {
                Ok(Some(next)) => return Ok(next),
                Ok(None) => {}
                Err(fault) => {
                    self.stop_work().await;
                    return Err(fault);
                }
            }
            transition = match self.next_event().await {
                LaneEvent::Passed { step, in_hand } => {
                    self.pass_limits(step, in_hand);
                    continue_with_nothing()
                }
                LaneEvent::Refused { step, error } => self.refused(step, error),
                LaneEvent::Ended {
                    step,
                    result,
                    leaves,
                } => self.ended(step, result, leaves),
                LaneEvent::Due(step) => self.machine.due(step, self.core.clock.now()),
                LaneEvent::Asked => self.asked(),
                LaneEvent::Told => continue_with_nothing(),
            };
        }
    }

    /// What is to be done first; what was asked before the lane began comes before everything.
    fn first(&mut self) -> Transition {
        if self.process.is_cancelled() {
            self.bell.want(Signal::Cancel);
        } else if self.process.is_paused() || self.core.tasks.stop.is_cancelled() {
            self.bell.want(Signal::Drain);
        }
        match self.bell.wanted() {
            None => self.machine.start(self.core.clock.now()),
            Some(_) => self.asked(),
        }
    }

    async fn next_event(&mut self) -> LaneEvent {
        self.publish_cause();
        let event = tokio::select! {
            Some(event) = self.work.next() => event,
            () = self.bell.rung() => LaneEvent::Asked,
            () = self.ear.rung() => LaneEvent::Told,
        };
        self.hear_of_locks();
        event
    }

    /// Hears what running attempts have told of locks: the time is charged to those, and others can read it.
    fn hear_of_locks(&mut self) {
        for news in self.ear.take() {
            let now = self.core.clock.now();
            if let LockNews::Waits(wait) = &news.what {
                let path = &self.process.plan.planned(news.step).path;
                tracing::debug!(step = %path, about = %wait.about(), blocker = %wait.blocker, "the step waits for a lock");
            }
            let changes = self
                .machine
                .lock_news(news.step, news.attempt, news.what, now);
            if !changes.is_empty() {
                self.soft.leave(changes, now);
            }
        }
    }

    /// Makes a transition durable and carries it out; answers when the execution has left this lane.
    async fn apply(&mut self, transition: Transition) -> Result<Option<Next>, Fault> {
        let Transition {
            changes,
            orders,
            end,
        } = transition;
        if !changes.is_empty() {
            let all = self.soft.join(changes);
            let events = self.events_of(&all);
            let keeps_on = !self.core.tasks.stop.is_cancelled() && !self.process.passes_lanes_on();
            let claims = end.is_some() && keeps_on && !self.process.is_one_too_many();
            let claim = claims.then_some(self.owned.process);
            let breakers = self.soft.take_breakers();
            let ack = self
                .core
                .journal
                .write(self.owned, all, breakers, claim)
                .await?;
            if ack.lost {
                tracing::warn!(
                    "the execution belongs to another claim now; nothing more is written for it"
                );
                self.stop_work().await;
                return Ok(Some(Next {
                    claimed: ack.claimed,
                    asked: claim.is_some(),
                }));
            }
            for event in events {
                self.core.emit(|| event);
            }
            if end == Some(End::Lost) {
                // What else had ended is written; the execution itself is handed back.
                self.leave(End::Lost).await?;
                return Ok(Some(Next {
                    claimed: ack.claimed,
                    // What was handed back after the claim is there to be claimed.
                    asked: false,
                }));
            }
            if let Some(end) = end {
                self.clean_up(end).await;
                return Ok(Some(Next {
                    claimed: ack.claimed,
                    asked: claim.is_some(),
                }));
            }
        } else if let Some(end) = end {
            self.leave(end).await?;
            return Ok(Some(Next {
                claimed: None,
                asked: false,
            }));
        }
        for order in orders {
            self.carry_out(order);
        }
        Ok(None)
    }

    /// Leaves an execution that the target says belongs to somebody else; if the store knows of nobody, it is handed back.
    async fn leave(&mut self, end: End) -> Result<(), Fault> {
        self.stop_work().await;
        if end == End::Lost {
            let mut account = self.machine.account().clone();
            account.switch(Cause::plain(CauseKind::Queued), self.core.clock.now());
            self.core
                .journal
                .write(
                    self.owned,
                    vec![Change::Released { account }],
                    self.soft.take_breakers(),
                    None,
                )
                .await?;
        }
        Ok(())
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Attempt(step) => self.pass_limits(step, Admission::default()),
            Order::Sleep(step, until) => {
                let wait = until.until_from(self.core.clock.now());
                self.work.push(Box::pin(async move {
                    tokio::time::sleep(wait).await;
                    LaneEvent::Due(step)
                }));
            }
            Order::Stop(step) => {
                if let Some(stop) = self.stops.get(&step) {
                    stop.cancel();
                }
            }
        }
    }

    /// Goes on through the limits of a step that is ordered. All waits for limits are made here, and nowhere else: with all of
    /// them passed the attempt begins, else the lane waits for the first that does not let it through.
    fn pass_limits(&mut self, step: StepId, in_hand: Admission) {
        let needs = self.process.needs(step);
        let (ahead, moved) = needs.advance(in_hand, self.process.claimant());
        let now = self.core.clock.now();
        self.soft.leave_breakers(moved, now);
        match ahead {
            Ahead::Begin(admitted) => self.begin(step, admitted),
            Ahead::Wait(cause, wait) => {
                self.machine.waits_for(step, cause, now);
                self.work.push(Box::pin(async move {
                    let in_hand = wait.await;
                    LaneEvent::Passed { step, in_hand }
                }));
            }
            Ahead::Late(error) => self.is_late(step, error),
            Ahead::Refuse(error) => {
                let refused = LaneEvent::Refused { step, error };
                self.work.push(Box::pin(std::future::ready(refused)));
            }
        }
    }

    /// The attempt has waited too long before it could begin: it is one all the same, and has failed.
    fn is_late(&mut self, step: StepId, error: StepError) {
        let now = self.core.clock.now();
        let Ok((_, changes)) = self.machine.begin(step, now) else {
            return;
        };
        self.soft.leave(changes, now);
        let ended = LaneEvent::Ended {
            step,
            result: Err(error),
            leaves: Vec::new(),
        };
        self.work.push(Box::pin(std::future::ready(ended)));
    }

    fn begin(&mut self, step: StepId, admitted: Admitted) {
        let now = self.core.clock.now();
        // A step that was stopped while it waited for its limits is no longer ordered: what it has in hand goes back.
        let Ok((mut call, changes)) = self.machine.begin(step, now) else {
            return;
        };
        self.began.insert(step, (now, self.locked(now)));
        call.locks = Some(self.ear.sink(step, call.attempt));
        self.soft.leave(changes, now);
        let stop = CancellationToken::new();
        self.stops.insert(step, stop.clone());
        let runner = self.process.runner(step);
        self.work.push(Box::pin(async move {
            let result = attempt::run(runner, call, stop).await;
            LaneEvent::Ended {
                step,
                result,
                leaves: admitted.ended(),
            }
        }));
    }

    /// A step that does not wait for an open breaker has failed. One that was stopped meanwhile is no longer ordered.
    fn refused(&mut self, step: StepId, error: StepError) -> Transition {
        let path = &self.process.plan.planned(step).path;
        tracing::warn!(step = %path, code = %error.code, error = %error.message, "the step was refused");
        self.machine
            .refused(step, error, self.core.clock.now())
            .unwrap_or_default()
    }

    fn ended(
        &mut self,
        step: StepId,
        result: Result<StepDone, StepError>,
        leaves: Vec<Leave>,
    ) -> Transition {
        self.stops.remove(&step);
        self.measure(step, &result);
        let moved = Admitted::tell(leaves, Response::of(&result));
        self.soft.leave_breakers(moved, self.core.clock.now());
        let path = &self.process.plan.planned(step).path;
        match &result {
            Ok(_) => tracing::debug!(step = %path, "the step is done"),
            Err(error) => {
                tracing::warn!(step = %path, code = %error.code, class = error.class.name(), error = %error.message, "the attempt failed");
            }
        }
        let now = self.core.clock.now();
        let seed = retry::mix(self.owned.execution.0.unsigned_abs())
            ^ now.0.unsigned_abs()
            ^ u64::from(step.0);
        self.machine.ended(step, result, now, seed).unwrap_or_else(|illegal| {
            // Only a bug of ours gets here; handing the execution back keeps it from being stuck in a dead lane.
            tracing::error!(%illegal, step = %path, "the lane's state is wrong; the execution is handed back");
            self.machine.drain(true, now)
        })
    }

    /// Lets those know who find out how many lanes there should be.
    fn measure(&mut self, step: StepId, result: &Result<StepDone, StepError>) {
        let (Some((began, locked)), Some(adapts)) =
            (self.began.remove(&step), &self.process.adapts)
        else {
            return;
        };
        let now = self.core.clock.now();
        adapts.meter.ended(&Ended {
            step,
            result,
            micros: now.micros_since(began).max(0),
            lock_micros: self.locked(now) - locked,
        });
    }

    /// How long this execution has waited for locks, in microseconds.
    fn locked(&self, now: Timestamp) -> i64 {
        let account = self.machine.account();
        let open = account.cause().kind == CauseKind::Lock;
        let open = if open {
            now.micros_since(account.since())
        } else {
            0
        };
        account.spent(CauseKind::Lock) + open
    }

    fn asked(&mut self) -> Transition {
        let wanted = self.bell.wanted();
        if wanted <= self.answered {
            return continue_with_nothing();
        }
        self.answered = wanted;
        let now = self.core.clock.now();
        match wanted {
            None => continue_with_nothing(),
            Some(Signal::Drain) => self.machine.drain(false, now),
            Some(Signal::DrainHard) => self.machine.drain(true, now),
            Some(Signal::Cancel) => self.machine.cancel(now),
            // Looked at before anything is written.
            Some(Signal::Lost) => continue_with_nothing(),
        }
    }

    /// Lets others read what the lane waits for, and when it has stopped waiting.
    fn publish_cause(&mut self) {
        let account = self.machine.account();
        let publish = journal::is_published(account.cause().kind);
        if publish || self.published {
            self.soft.leave_cause(account);
            self.published = publish;
        }
    }

    async fn stop_work(&mut self) {
        for stop in self.stops.values() {
            stop.cancel();
        }
        while !self.stops.is_empty() {
            match self.work.next().await {
                Some(LaneEvent::Ended { step, .. }) => drop(self.stops.remove(&step)),
                Some(_) => {}
                None => return,
            }
        }
    }

    async fn clean_up(&mut self, end: End) {
        let End::Settled(state) = end else { return };
        tracing::info!(%state, "the execution has settled");
        let well = matches!(state, ExecutionState::Succeeded | ExecutionState::Skipped);
        let Some(target) = &self.process.workspace else {
            return;
        };
        if self.process.keeps_workspace(well) {
            return;
        }
        let whose = Whose {
            process: self.owned.process,
            execution: self.owned.execution,
        };
        if let Err(error) = target
            .discard_workspace(self.process.plan.definition(), whose)
            .await
        {
            // The sweep at the end of the process tries again.
            tracing::warn!(%error, "the workspace could not be removed yet");
        }
    }

    fn events_of(&self, changes: &[Change]) -> Vec<Event> {
        if !self.core.is_watched() {
            return Vec::new();
        }
        changes
            .iter()
            .filter_map(|change| self.event_of(change))
            .collect()
    }

    fn event_of(&self, change: &Change) -> Option<Event> {
        let Owned {
            process, execution, ..
        } = self.owned;
        match change {
            Change::StepEnded(end) if end.state != StepState::Skipped => Some(Event::Step {
                process,
                execution,
                step: self.process.plan.planned(end.step).path.clone(),
                attempt: end.attempt,
                state: end.state,
                error: end
                    .error
                    .as_ref()
                    .map(|error| format!("{} [{}]", error.message, error.code)),
                code: end.error.as_ref().map(|error| error.code.clone()),
                at: end.ended,
            }),
            Change::Settled { state, at, .. } => Some(Event::Settled {
                process,
                execution,
                entity: self.machine.context().entity_key.clone(),
                state: *state,
                at: *at,
            }),
            _ => None,
        }
    }
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        self.core.lanes.leave(self.owned);
    }
}

/// What the lane runs next.
struct Next {
    /// What its last commit claimed for it.
    claimed: Option<Claimed>,
    /// Whether it asked: then an empty answer means that nothing is left.
    asked: bool,
}

fn continue_with_nothing() -> Transition {
    Transition::default()
}
