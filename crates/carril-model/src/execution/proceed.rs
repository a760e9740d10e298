//! The branching of the machine: which step is next, when a stage is done, how a run ends.

use super::{End, Execution, Order, Progress, Transition, step_id};
use crate::account::{Cause, CauseKind};
use crate::contract::{Change, ErrorClass, StepError, Until};
use crate::definition::{Action, Scope, Step};
use crate::expression::Expression;
use crate::id::StepId;
use crate::plan::{Plan, PlannedStep};
use crate::state::{ExecutionState, StepState};
use crate::time::Timestamp;
use crate::transition::{self, StepEvent};
use std::sync::Arc;

/// How far a stage is.
enum StageProgress {
    Busy,
    Done,
    Failed(StepId),
}

/// What a step of a stage still needs.
enum Need {
    Nothing,
    ToEnd,
    ToBegin,
    Fallback(StepId),
    ToFailTheLane,
}

impl Execution {
    /// Orders all that can be done now, or ends the run.
    pub(super) fn proceed(&mut self, now: Timestamp, out: &mut Transition) {
        if out.end.is_some() {
            return;
        }
        if self.lost || self.cancelling || self.draining {
            if !self
                .progress
                .iter()
                .any(|step| step.state == StepState::Running)
            {
                self.stop(now, out);
            }
            return;
        }
        let plan = Arc::clone(&self.context.plan);
        let last = plan.segments()[self.segment].stages.end;
        while self.stage < last {
            match self.proceed_stage(&plan, self.stage, now, out) {
                StageProgress::Busy => return self.park_if_idle(now, out),
                StageProgress::Failed(step) => return self.settle_failed(step, now, out),
                StageProgress::Done => self.stage += 1,
            }
        }
        debug_assert!(
            !self.progress.iter().any(Progress::is_active),
            "a segment with active steps is not done"
        );
        self.segment_done(&plan, now, out);
    }

    fn stop(&mut self, now: Timestamp, out: &mut Transition) {
        if self.lost {
            out.end = Some(End::Lost);
        } else if self.cancelling {
            self.cancel_waits(now, out);
            self.settle(ExecutionState::Cancelled, None, now, out);
        } else {
            self.account.switch(Cause::plain(CauseKind::Queued), now);
            out.changes.push(Change::Released {
                account: self.account.clone(),
            });
            out.end = Some(End::Released);
        }
    }

    fn proceed_stage(
        &mut self,
        plan: &Plan,
        stage: usize,
        now: Timestamp,
        out: &mut Transition,
    ) -> StageProgress {
        let steps = plan.steps_of(stage);
        let definition = &plan.definition().stages[stage];
        if let Some(when) = &definition.when
            && steps.iter().all(|step| self.is_untouched(step.id))
        {
            match self.holds(when) {
                Ok(true) => {}
                Ok(false) => {
                    for step in steps {
                        self.skip(
                            step.id,
                            format!("stage: {} is false", when.source()),
                            now,
                            out,
                        );
                    }
                    return StageProgress::Done;
                }
                Err(message) => {
                    self.fail_unbegun(steps[0].id, message, now, out);
                    return StageProgress::Failed(steps[0].id);
                }
            }
        }
        let mut busy = false;
        let mut failed = None;
        for planned in steps.iter().filter(|step| !step.is_fallback) {
            match self.settle_need(plan, planned, now, out) {
                Need::Nothing => {}
                Need::ToFailTheLane => failed = failed.or(Some(planned.id)),
                _ => busy = true,
            }
            if !definition.parallel && (busy || failed.is_some()) {
                break;
            }
        }
        match (busy, failed) {
            (true, _) => StageProgress::Busy,
            (false, Some(step)) => StageProgress::Failed(step),
            (false, None) => StageProgress::Done,
        }
    }

    /// Begins or skips the step if it is its turn, and says what it still needs after that.
    fn settle_need(
        &mut self,
        plan: &Plan,
        planned: &PlannedStep,
        now: Timestamp,
        out: &mut Transition,
    ) -> Need {
        let need = self.need(plan, planned);
        match need {
            Need::ToBegin => match self.why_not(plan.step(planned.id)) {
                Ok(None) if self.order(planned.id, now, out) => Need::ToEnd,
                // It waited for nothing that was not there: it has ended.
                Ok(None) => self.settle_need(plan, planned, now, out),
                Ok(Some(reason)) => {
                    self.skip(planned.id, reason, now, out);
                    Need::Nothing
                }
                Err(message) => {
                    self.fail_unbegun(planned.id, message, now, out);
                    // It has failed now, so this goes no deeper: a fallback is ordered like any other's.
                    self.settle_need(plan, planned, now, out)
                }
            },
            Need::Fallback(step) if self.order(step, now, out) => Need::ToEnd,
            Need::Fallback(_) => self.settle_need(plan, planned, now, out),
            other => other,
        }
    }

    fn need(&self, plan: &Plan, planned: &PlannedStep) -> Need {
        let progress = &self.progress[planned.id.index()];
        if progress.is_active() {
            return Need::ToEnd;
        }
        match progress.state {
            StepState::Succeeded | StepState::Skipped => Need::Nothing,
            StepState::Failed => self.need_after_failure(plan, planned),
            StepState::Waiting => Need::ToEnd,
            StepState::Pending
            | StepState::Running
            | StepState::Interrupted
            | StepState::Cancelled => Need::ToBegin,
        }
    }

    fn need_after_failure(&self, plan: &Plan, planned: &PlannedStep) -> Need {
        let judged = if plan.step(planned.id).critical {
            Need::ToFailTheLane
        } else {
            Need::Nothing
        };
        for stand_in in plan.stand_ins(planned.id) {
            let progress = &self.progress[stand_in.index()];
            match progress.state {
                _ if progress.is_active() => return Need::ToEnd,
                StepState::Succeeded => return Need::Nothing,
                StepState::Failed => {}
                _ => return Need::Fallback(stand_in),
            }
        }
        judged
    }

    /// Has the step begin; tells whether it is under way now, or has ended at once.
    fn order(&mut self, step: StepId, now: Timestamp, out: &mut Transition) -> bool {
        if self.context.plan.step(step).wait().is_some() {
            return self.reach(step, now, out);
        }
        self.progress[step.index()].ordered = true;
        out.orders.push(Order::Attempt(step));
        true
    }

    fn is_untouched(&self, step: StepId) -> bool {
        let progress = &self.progress[step.index()];
        progress.state == StepState::Pending && progress.attempt == 0 && !progress.is_active()
    }

    /// Why the step is not to run, if it is not.
    fn why_not(&self, step: &Step) -> Result<Option<String>, String> {
        if matches!(step.action, Action::Publish { .. }) && !self.has_run_anything() {
            return Ok(Some("every step before it was skipped".to_owned()));
        }
        match &step.when {
            Some(when) if !self.holds(when)? => Ok(Some(format!("{} is false", when.source()))),
            _ => Ok(None),
        }
    }

    fn holds(&self, when: &Expression) -> Result<bool, String> {
        when.holds(&self.context.for_expressions())
    }

    fn has_run_anything(&self) -> bool {
        self.progress.iter().enumerate().any(|(at, progress)| {
            let publishes = matches!(
                self.context.plan.step(step_id(at)).action,
                Action::Publish { .. }
            );
            !publishes && matches!(progress.state, StepState::Succeeded | StepState::Failed)
        })
    }

    fn skip(&mut self, step: StepId, reason: String, now: Timestamp, out: &mut Transition) {
        let progress = &mut self.progress[step.index()];
        debug_assert!(
            transition::step(progress.state, StepEvent::Skip).is_ok(),
            "only a step that was not begun is skipped"
        );
        progress.state = StepState::Skipped;
        progress.began = now;
        let mut end = self.step_end(step, StepState::Skipped, now);
        end.reason = Some(reason);
        out.changes.push(Change::StepEnded(Box::new(end)));
    }

    /// A condition that cannot be evaluated fails the step: neither running nor skipping it would be what was meant.
    fn fail_unbegun(
        &mut self,
        step: StepId,
        message: String,
        now: Timestamp,
        out: &mut Transition,
    ) {
        let error = StepError::new("CAR0514", ErrorClass::Permanent, message);
        let progress = &mut self.progress[step.index()];
        debug_assert!(
            transition::step(progress.state, StepEvent::Fail).is_ok(),
            "only an unsettled step fails"
        );
        progress.state = StepState::Failed;
        progress.failures += 1;
        progress.began = now;
        progress.error = Some(error.clone());
        let mut end = self.step_end(step, StepState::Failed, now);
        end.error = Some(error);
        out.changes.push(Change::StepEnded(Box::new(end)));
    }

    fn segment_done(&mut self, plan: &Plan, now: Timestamp, out: &mut Transition) {
        let scope = plan.segments()[self.segment].scope;
        if let Some(next) = plan.next_segment(scope, self.segment + 1) {
            self.account.switch(Cause::plain(CauseKind::Barrier), now);
            let segment = u32::try_from(next).expect("a plan has fewer segments than steps");
            out.changes.push(Change::Parked {
                until: Until::Segment(segment),
                account: self.account.clone(),
            });
            out.end = Some(End::Parked);
            return;
        }
        let state = if scope == Scope::Entity && !self.has_run_anything() {
            ExecutionState::Skipped
        } else {
            ExecutionState::Succeeded
        };
        self.settle(state, None, now, out);
    }

    fn settle_failed(&mut self, step: StepId, now: Timestamp, out: &mut Transition) {
        let deciding = self
            .context
            .plan
            .stand_ins(step)
            .filter(|stand_in| self.progress[stand_in.index()].error.is_some())
            .last()
            .unwrap_or(step);
        let error = self.progress[deciding.index()].error.clone();
        let error = error.unwrap_or_else(|| {
            StepError::new(
                "CAR0501",
                ErrorClass::Permanent,
                "the step failed in an earlier attempt",
            )
        });
        self.settle(ExecutionState::Failed, Some((deciding, error)), now, out);
    }

    fn settle(
        &mut self,
        state: ExecutionState,
        error: Option<(StepId, StepError)>,
        now: Timestamp,
        out: &mut Transition,
    ) {
        let last = self.account.cause().clone();
        self.account.switch(last, now);
        let warnings = self.warnings();
        out.changes.push(Change::Settled {
            state,
            at: now,
            account: self.account.clone(),
            error,
            warnings,
        });
        out.end = Some(End::Settled(state));
    }

    /// Steps that failed, without a fallback that stood in, and did not matter.
    fn warnings(&self) -> u32 {
        let plan = &self.context.plan;
        let failed = plan.steps().iter().filter(|planned| {
            let covered = plan
                .stand_ins(planned.id)
                .any(|step| self.progress[step.index()].state == StepState::Succeeded);
            self.progress[planned.id.index()].state == StepState::Failed
                && !covered
                && !planned.is_fallback
                && !plan.step(planned.id).critical
        });
        u32::try_from(failed.count()).unwrap_or(u32::MAX)
    }
}
