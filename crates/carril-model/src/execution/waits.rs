//! Steps that wait, and the parking of an execution that has nothing left but waiting.
//!
//! What such a step waits for is decided when it is reached, and kept with its row. Timers end in the lane while other steps
//! of it run, else after a claim; signals and a person's word are only looked at after a claim, which brings all of them that
//! are unread: so a wait that ran out is told from one that was answered in time by when the signal came, not by who of two
//! tasks was quicker.

use super::{End, Execution, Order, Progress, Transition, step_id};
use crate::contract::{Change, ErrorClass, Signal, StepDone, StepError, Until};
use crate::definition::{Fallback, Wait, WaitFor};
use crate::id::StepId;
use crate::moment;
use crate::plan::Plan;
use crate::sql::Lookup;
use crate::state::StepState;
use crate::template::{Piece, pieces};
use crate::time::Timestamp;
use crate::transition::{self, StepEvent};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Waits that are over sooner than this are waited for in the lane, in microseconds: leaving it and coming back are two commits.
pub const PARK_AFTER_MICROS: i64 = 1_000_000;

/// What a look at a wait says.
enum Look {
    /// It goes on.
    NotYet,
    Over(StepDone, Option<u32>),
    Failed(StepError, Option<u32>),
}

/// What a step waits for, once it is reached.
struct Terms {
    due: Option<Timestamp>,
    question: Option<String>,
}

impl Execution {
    /// A step that waits is reached. Where what it waits for is there already it ends at once; tells whether it waits.
    pub(super) fn reach(&mut self, step: StepId, now: Timestamp, out: &mut Transition) -> bool {
        let plan = Arc::clone(&self.context.plan);
        let Some(wait) = plan.step(step).wait() else {
            return false;
        };
        let terms = self.terms(wait, now);
        let progress = &mut self.progress[step.index()];
        debug_assert!(
            transition::step(progress.state, StepEvent::Wait).is_ok(),
            "only a step that was not begun is reached"
        );
        progress.state = StepState::Waiting;
        progress.attempt += 1;
        progress.began = now;
        let terms = match terms {
            Ok(terms) => terms,
            Err(error) => {
                self.fail_wait(step, error, now, out);
                return false;
            }
        };
        progress.due = terms.due;
        progress.question = terms.question;
        progress.waiting = Some((wait.cause(&plan.planned(step).path), now));
        if self.look(step, now, out) {
            return false;
        }
        let progress = &self.progress[step.index()];
        out.changes.push(Change::StepWaits {
            step,
            attempt: progress.attempt,
            began: now,
            until: progress.due,
            question: progress.question.clone(),
        });
        self.sleep(step, wait, out);
        true
    }

    /// Takes up the waits that the run left behind: the store kept when each began and when it is over.
    pub(super) fn resume_waits(&mut self, now: Timestamp, out: &mut Transition) {
        let plan = Arc::clone(&self.context.plan);
        for at in 0..self.progress.len() {
            let step = step_id(at);
            let Some(wait) = plan.step(step).wait() else {
                continue;
            };
            if self.progress[at].state == StepState::Waiting && !self.look(step, now, out) {
                self.sleep(step, wait, out);
            }
        }
    }

    /// Looks whether a wait is over; if it is, the step ends.
    pub(super) fn look(&mut self, step: StepId, now: Timestamp, out: &mut Transition) -> bool {
        let plan = Arc::clone(&self.context.plan);
        let Some(wait) = plan.step(step).wait() else {
            return false;
        };
        let (taken, failure) = match self.judge(&plan, step, wait, now) {
            Look::NotYet => return false,
            Look::Over(done, taken) => (taken, Ok(done)),
            Look::Failed(error, taken) => (taken, Err(error)),
        };
        if let Some(number) = taken {
            self.signals.retain(|signal| signal.number != number);
            out.changes.push(Change::SignalTaken {
                signal: number,
                step,
            });
        }
        match failure {
            Ok(done) => self.end_wait(step, done, None, now, out),
            Err(error) => self.fail_wait(step, error, now, out),
        }
        true
    }

    fn judge(&self, plan: &Plan, step: StepId, wait: &Wait, now: Timestamp) -> Look {
        let progress = &self.progress[step.index()];
        let is_due = |at: Timestamp| progress.due.is_some_and(|due| at >= due);
        match &wait.until {
            WaitFor::Span(_) if is_due(now) => Look::Over(StepDone::default(), None),
            WaitFor::Moment(_) if is_due(now) => self.judge_moment(wait, progress),
            WaitFor::Span(_) | WaitFor::Moment(_) => Look::NotYet,
            WaitFor::Signal(_) | WaitFor::Approval(_) => {
                let key = wait.key(&plan.planned(step).path).unwrap_or_default();
                let in_time = |signal: &&Signal| {
                    let of_this_run =
                        signal.run == self.owned.run || matches!(wait.until, WaitFor::Signal(_));
                    let late = progress.due.is_some_and(|due| signal.sent_at > due);
                    signal.key == key && of_this_run && !late
                };
                match self.signals.iter().find(in_time) {
                    Some(signal) => answered(wait, signal),
                    None if is_due(self.claimed_at) => Look::Failed(ran_out(wait), None),
                    None => Look::NotYet,
                }
            }
        }
    }

    /// The moment has come, or the longest wait was over before it.
    fn judge_moment(&self, wait: &Wait, progress: &Progress) -> Look {
        let longest = wait.longest.map(|longest| progress.began.after(longest));
        match (self.moment(wait), longest) {
            (Ok(moment), Some(longest)) if moment > longest => Look::Failed(ran_out(wait), None),
            (Ok(_), _) => Look::Over(StepDone::default(), None),
            (Err(error), _) => Look::Failed(*error, None),
        }
    }

    fn terms(&self, wait: &Wait, now: Timestamp) -> Result<Terms, StepError> {
        let longest = wait.longest.map(|longest| now.after(longest));
        let mut terms = Terms {
            due: longest,
            question: None,
        };
        match &wait.until {
            WaitFor::Span(span) => terms.due = Some(now.after(*span)),
            WaitFor::Moment(_) => {
                let moment = self.moment(wait).map_err(|error| *error)?;
                terms.due = Some(longest.map_or(moment, |longest| longest.min(moment)));
            }
            WaitFor::Signal(_) => {}
            WaitFor::Approval(question) => {
                terms.question = Some(filled(question, &*self.context).map_err(|error| *error)?);
            }
        }
        Ok(terms)
    }

    fn moment(&self, wait: &Wait) -> Result<Timestamp, Box<StepError>> {
        let WaitFor::Moment(expression) = &wait.until else {
            return Ok(Timestamp(i64::MIN));
        };
        let wrong =
            |message: String| Box::new(StepError::new("CAR0537", ErrorClass::Permanent, message));
        let value = expression
            .evaluate(&self.context.for_expressions())
            .map_err(wrong)?;
        match value {
            Value::String(text) => moment::parse(&text)
                .map_err(|why| wrong(format!("`{}`: {why}", expression.source()))),
            other => Err(wrong(format!(
                "`{}` gives {other}, and a moment is text, as in \"2026-03-01T09:00[Europe/Madrid]\"",
                expression.source()
            ))),
        }
    }

    /// Only time ends a timer, so it can be slept for; a signal is looked for after a claim.
    fn sleep(&self, step: StepId, wait: &Wait, out: &mut Transition) {
        let is_timer = matches!(wait.until, WaitFor::Span(_) | WaitFor::Moment(_));
        if let Some(due) = self.progress[step.index()].due.filter(|_| is_timer) {
            out.orders.push(Order::Sleep(step, due));
        }
    }

    fn end_wait(
        &mut self,
        step: StepId,
        done: StepDone,
        instead_of: Option<StepError>,
        now: Timestamp,
        out: &mut Transition,
    ) {
        self.progress[step.index()].due = None;
        out.changes.extend(self.close_wait(step, now));
        self.succeeded(step, done, instead_of, now, out)
            .expect("a step that waits can succeed");
    }

    fn fail_wait(&mut self, step: StepId, error: StepError, now: Timestamp, out: &mut Transition) {
        let plan = Arc::clone(&self.context.plan);
        let progress = &mut self.progress[step.index()];
        progress.due = None;
        progress.failures += 1;
        progress.error = Some(error.clone());
        if let Some(Fallback::Value(value)) = &plan.step(step).fallback {
            let done = StepDone {
                output: Some(value.clone()),
                ..StepDone::default()
            };
            return self.end_wait(step, done, Some(error), now, out);
        }
        out.changes.extend(self.close_wait(step, now));
        self.stopped(step, StepEvent::Fail, error, None, None, now, out)
            .expect("a step that waits can fail");
    }

    /// Whoever is cancelled waits for nothing any more.
    pub(super) fn cancel_waits(&mut self, now: Timestamp, out: &mut Transition) {
        for at in 0..self.progress.len() {
            if self.progress[at].state == StepState::Waiting {
                let error = StepError::new("CAR0505", ErrorClass::Cancelled, "it was cancelled");
                let step = step_id(at);
                self.progress[at].due = None;
                self.stopped(step, StepEvent::Cancel, error, None, None, now, out)
                    .expect("a step that waits can be cancelled");
            }
        }
    }

    /// Parks the execution if nothing of it runs or is about to, and it is not due at once.
    pub(super) fn park_if_idle(&mut self, now: Timestamp, out: &mut Transition) {
        let plan = Arc::clone(&self.context.plan);
        let (mut at, mut keys, mut cause) = (None::<Timestamp>, Vec::new(), None);
        for (step, progress) in self.progress.iter().enumerate() {
            if progress.state == StepState::Running || progress.ordered {
                return;
            }
            if !progress.is_active() {
                continue;
            }
            let id = step_id(step);
            let key = plan
                .step(id)
                .wait()
                .and_then(|wait| wait.key(&plan.planned(id).path));
            let soon = |due: Timestamp| due.micros_since(now) < PARK_AFTER_MICROS && key.is_none();
            // Who waits to learn what became of a commit does so in his lane: it blocks others.
            let finds_out = progress.state != StepState::Waiting
                && progress.waiting.as_ref().is_some_and(|(cause, _)| {
                    cause.kind == crate::account::CauseKind::OutcomeUnknown
                });
            if finds_out || progress.due.is_some_and(soon) {
                return;
            }
            if let Some(due) = progress.due {
                at = Some(at.map_or(due, |at| at.min(due)));
            }
            keys.extend(key);
            cause = cause.or_else(|| progress.waiting.as_ref().map(|(cause, _)| cause.clone()));
        }
        let Some(cause) = cause else { return };
        self.account.switch(cause, now);
        out.orders.clear();
        out.changes.push(Change::Parked {
            until: Until::Woken { at, keys },
            account: self.account.clone(),
        });
        out.end = Some(End::Parked);
    }
}

/// What a signal means for the step that it came for.
fn answered(wait: &Wait, signal: &Signal) -> Look {
    if !matches!(wait.until, WaitFor::Approval(_)) {
        let done = StepDone {
            output: Some(signal.data.clone()),
            ..StepDone::default()
        };
        return Look::Over(done, Some(signal.number));
    }
    let reason = signal.data.get("reason").and_then(Value::as_str);
    if signal.data.get("approved") == Some(&Value::Bool(true)) {
        let at = moment::to_text(signal.sent_at);
        let output = json!({ "by": signal.sent_by, "reason": reason, "at": at });
        let done = StepDone {
            output: Some(output),
            ..StepDone::default()
        };
        return Look::Over(done, Some(signal.number));
    }
    let why = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let message = format!("rejected by {}{why}", signal.sent_by);
    let error = StepError::new("CAR0536", ErrorClass::Permanent, message);
    Look::Failed(error, Some(signal.number))
}

fn ran_out(wait: &Wait) -> StepError {
    let longest = in_words(wait.longest.unwrap_or_default());
    let message = match &wait.until {
        WaitFor::Signal(name) => format!("no signal `{name}` came within {longest}"),
        WaitFor::Approval(_) => format!("nobody approved or rejected it within {longest}"),
        WaitFor::Span(_) | WaitFor::Moment(_) => {
            format!("the moment that it waits for is more than {longest} away")
        }
    };
    StepError::new("CAR0535", ErrorClass::Timeout, message)
}

/// A duration as a pipeline's file has it.
fn in_words(span: Duration) -> String {
    let millis = span.as_millis();
    match millis {
        _ if millis.is_multiple_of(3_600_000) => format!("{}h", millis / 3_600_000),
        _ if millis.is_multiple_of(60_000) => format!("{}m", millis / 60_000),
        _ if millis.is_multiple_of(1_000) => format!("{}s", millis / 1_000),
        _ => format!("{millis}ms"),
    }
}

/// A question with its values in it.
fn filled(text: &str, values: &dyn Lookup) -> Result<String, Box<StepError>> {
    let wrong =
        |message: String| Box::new(StepError::new("CAR0510", ErrorClass::Permanent, message));
    let lone = || {
        wrong(format!(
            "`{text}` has a brace that belongs to no `{{name}}`"
        ))
    };
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text).map_err(|_| lone())? {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Value { name, .. } => match values.get(name) {
                Some(Value::String(text)) => filled.push_str(&text),
                Some(value) => filled.push_str(&value.to_string()),
                None => {
                    return Err(wrong(format!(
                        "there is no value `{name}` for `{{{name}}}`"
                    )));
                }
            },
            Piece::Secret { .. } => return Err(lone()),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests;
