//! Signals and approvals: what people and programs say to executions that wait for it, or will.
//!
//! A signal is durable when the verb returns. Whether it wakes anybody is decided by the store, in the same transaction; who
//! takes it, by the lane that gets the execution.

use crate::control::PAGE;
use crate::coordinator::Notice;
use crate::engine::Engine;
use crate::error::Error;
use carril_model::contract::{
    Delivery, NewSignal, SIGNAL_BYTES_MAX, SIGNALS_UNREAD_MAX, Selection,
};
use carril_model::definition::WaitFor;
use carril_model::definition::wait::{approval_key, signal_key, signal_name_problem};
use carril_model::id::{ExecutionId, StepId};
use carril_model::plan::Plan;
use carril_model::state::StepState;
use serde_json::{Value, json};

/// A signal on its way.
#[derive(Debug, Clone)]
pub struct Sending {
    /// The name that steps wait for.
    pub name: String,
    /// What it says: the output of the step that takes it; at most 64 KiB as JSON.
    pub data: Value,
    /// Who sends it.
    pub sent_by: String,
    /// With a key, each execution gets it once, however often it is sent.
    pub idempotency_key: Option<String>,
}

/// A person's answer to an execution that waits for one.
#[derive(Debug, Clone)]
pub struct Word {
    /// Whether it may go on.
    pub approved: bool,
    /// Who says so.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// With a key, a second answer of the same key changes nothing.
    pub idempotency_key: Option<String>,
}

impl Engine {
    /// Sends a signal. Whoever waits for it goes on; for whoever does not wait yet it is kept. Returns how many executions have
    /// it now, those included that had it before; durable then. Of a process, those that have settled are passed over.
    ///
    /// # Errors
    /// `CAR0435` for a name that no signal has, `CAR0433` for data that is too large or where too many signals are kept
    /// already, `CAR0432` when an execution that was named, or all of a process, has settled; else as [`Error`].
    pub async fn signal(&self, selection: &Selection, sending: Sending) -> Result<u64, Error> {
        self.core.check_alive()?;
        if let Some(problem) = signal_name_problem(&sending.name) {
            let message = format!("no signal is called {:?}: {problem}", sending.name);
            return Err(Error::refused("CAR0435", message));
        }
        let bytes = sending.data.to_string().len();
        if bytes > SIGNAL_BYTES_MAX {
            let message = format!(
                "the data has {bytes} bytes, and a signal takes {SIGNAL_BYTES_MAX}; keep it elsewhere and send where it is"
            );
            return Err(Error::refused("CAR0433", message));
        }
        let (engine, selection) = (self.clone(), selection.clone());
        self.core
            .to_its_end(async move { engine.send(&selection, &sending).await })
            .await
    }

    async fn send(&self, selection: &Selection, sending: &Sending) -> Result<u64, Error> {
        let named = matches!(selection, Selection::Executions(_));
        let (mut sent, mut full, mut settled, mut above) = (0, 0_u64, None, None);
        loop {
            let page = self.core.store.select(selection, above, PAGE).await?;
            let Some((last, _, _)) = page.last() else {
                break;
            };
            above = Some(last.execution);
            let live = page
                .iter()
                .filter(|(_, state, _)| named || !state.is_settled());
            let executions: Vec<ExecutionId> = live.map(|(owned, _, _)| owned.execution).collect();
            let signal = NewSignal {
                key: signal_key(&sending.name),
                data: sending.data.clone(),
                sent_by: sending.sent_by.clone(),
                idempotency_key: sending.idempotency_key.clone(),
                answers: None,
                at: self.core.clock.now(),
            };
            for (execution, delivery) in self.deliver(&executions, &signal).await? {
                match delivery {
                    Delivery::Delivered | Delivery::Repeated => sent += 1,
                    Delivery::Full => full += 1,
                    Delivery::Settled(state) => settled = Some((execution, state)),
                    Delivery::NotAwaited | Delivery::Unknown => {}
                }
            }
        }
        match settled {
            Some((execution, state)) if named => {
                return Err(Error::refused(
                    "CAR0432",
                    format!(
                        "execution {execution} is {state}, so no step of it takes a signal any more"
                    ),
                ));
            }
            _ => {}
        }
        if full > 0 {
            let message = format!(
                "{full} of them have {SIGNALS_UNREAD_MAX} signals that no step has taken, and take no more; {sent} got it"
            );
            return Err(Error::refused("CAR0433", message));
        }
        if sent == 0 {
            let message = "nobody who is meant is unfinished, so no step takes a signal any more";
            return Err(Error::refused("CAR0432", message));
        }
        Ok(sent)
    }

    /// Answers a step that waits for a person: approved it goes on, rejected it fails. Durable when this returns.
    ///
    /// # Errors
    /// `CAR0434` when the execution does not wait for an answer, has one already, or when several steps of it ask and `step`
    /// (`stage/step`) does not say which is meant; `CAR0432` when it has settled; else as [`Error`].
    pub async fn decide(
        &self,
        execution: ExecutionId,
        step: Option<&str>,
        word: Word,
    ) -> Result<(), Error> {
        self.core.check_alive()?;
        let (id, path) = self.who_asks(execution, step).await?;
        let signal = NewSignal {
            key: approval_key(&path),
            data: json!({ "approved": word.approved, "reason": word.reason }),
            sent_by: word.by,
            idempotency_key: word.idempotency_key,
            answers: Some(id),
            at: self.core.clock.now(),
        };
        let engine = self.clone();
        let done = self
            .core
            .to_its_end(async move { engine.deliver(&[execution], &signal).await });
        match done.await?.first() {
            Some((_, Delivery::Delivered | Delivery::Repeated)) => Ok(()),
            Some((_, Delivery::Settled(state))) => Err(Error::refused(
                "CAR0432",
                format!("execution {execution} is {state}, so nothing of it waits for an answer"),
            )),
            Some((_, Delivery::Full)) => Err(Error::refused(
                "CAR0433",
                format!(
                    "execution {execution} has {SIGNALS_UNREAD_MAX} signals that no step has taken, and takes no more"
                ),
            )),
            _ => Err(Error::refused(
                "CAR0434",
                format!(
                    "`{path}` of execution {execution} does not wait for an answer, or has one"
                ),
            )),
        }
    }

    /// The step of an execution that asks a person.
    async fn who_asks(
        &self,
        execution: ExecutionId,
        step: Option<&str>,
    ) -> Result<(StepId, String), Error> {
        let store = &self.core.store;
        let selection = Selection::Executions(vec![execution]);
        let Some((owned, state, _)) = store.select(&selection, None, 1).await?.pop() else {
            let message = format!("there is no execution {execution}");
            return Err(Error::refused("CAR0416", message));
        };
        let row = store.process(owned.process).await?;
        let plan = Plan::new(store.definition(&row.version).await?);
        let asks = |id: StepId| {
            let wait = plan.step(id).wait();
            wait.is_some_and(|wait| matches!(wait.until, WaitFor::Approval(_)))
        };
        let rows = store.steps(execution).await?;
        let waiting: Vec<StepId> = rows
            .iter()
            .filter(|row| row.state == StepState::Waiting && asks(row.step))
            .map(|row| row.step)
            .collect();
        let paths = || {
            let paths = waiting.iter().map(|id| plan.planned(*id).path.as_str());
            paths.collect::<Vec<_>>().join("`, `")
        };
        let meant = step.map(|name| plan.find(name));
        match (meant, waiting.as_slice()) {
            (Some(Some(id)), waiting) if waiting.contains(&id) => {
                Ok((id, plan.planned(id).path.clone()))
            }
            (None, [id]) if !state.is_settled() => Ok((*id, plan.planned(*id).path.clone())),
            (None, [_, _, ..]) => Err(Error::refused(
                "CAR0434",
                format!(
                    "several steps of execution {execution} wait for an answer; say which with --step: `{}`",
                    paths()
                ),
            )),
            (Some(_), [_, ..]) => Err(Error::refused(
                "CAR0434",
                format!(
                    "execution {execution} does not wait for an answer there; it does at `{}`",
                    paths()
                ),
            )),
            _ => Err(Error::refused(
                "CAR0434",
                format!("execution {execution} is {state} and does not wait for an answer"),
            )),
        }
    }

    async fn deliver(
        &self,
        executions: &[ExecutionId],
        signal: &NewSignal,
    ) -> Result<Vec<(ExecutionId, Delivery)>, Error> {
        if executions.is_empty() {
            return Ok(Vec::new());
        }
        let sent = self.core.store.signal(executions, signal).await?;
        if !sent.woken.is_empty() {
            self.core.notify(Notice::Woken(sent.woken)).await;
        }
        Ok(sent.deliveries)
    }
}
