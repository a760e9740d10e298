//! The model target: effects and fence rows, written together as an SQL step writes them, and nothing else kept unique.
//!
//! Effects are a plain log, so that a double shows. What an attempt may still do is decided by the fence row alone; beside it
//! the target remembers who has begun, and says when an effect comes from somebody whose time is over.

use super::Broken;
use super::bugs::Bug;
use carril_model::contract::StepCall;
use carril_model::id::{ExecutionId, Run, StepId};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One part of one step of one run.
pub(super) type Part = (ExecutionId, Run, StepId);

/// An attempt, as the target sees it.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) part: Part,
    pub(super) fence: i64,
    pub(super) first: bool,
    /// The last attempt's outcome was unknown, and this one asks nobody: a planted bug.
    pub(super) reckless: bool,
}

impl Call {
    pub(super) fn of(call: &StepCall) -> Self {
        Self {
            part: (call.execution(), call.run(), call.step),
            fence: call.fence().0,
            first: call.first,
            reckless: false,
        }
    }
}

/// What an attempt finds when it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Begun {
    Go,
    Done(Option<Value>),
    Fenced,
}

#[derive(Debug)]
struct Fence {
    fence: i64,
    done: bool,
    outcome: Option<Value>,
}

/// The database that steps act on.
#[derive(Debug, Default)]
pub(super) struct Target {
    fences: BTreeMap<Part, Fence>,
    /// By whom each effect was done; more than one is a double.
    pub(super) effects: BTreeMap<Part, Vec<i64>>,
    pub(super) workspaces: BTreeSet<ExecutionId>,
    /// The newest attempt that has begun, whatever the fence rows say.
    newest: BTreeMap<Part, i64>,
    /// The latest run of an execution that was undone.
    undone: BTreeMap<ExecutionId, Run>,
    bug: Option<Bug>,
    pub(super) broken: Option<Broken>,
}

impl Target {
    pub(super) fn new(bug: Option<Bug>) -> Self {
        Self {
            bug,
            ..Self::default()
        }
    }

    /// Establishes an attempt; a first one needs no row.
    pub(super) fn begin(&mut self, call: &Call) -> Begun {
        self.workspaces.insert(call.part.0);
        let begun = self.raise(call);
        if begun == Begun::Go {
            let newest = self.newest.entry(call.part).or_insert(call.fence);
            *newest = (*newest).max(call.fence);
        }
        begun
    }

    fn raise(&mut self, call: &Call) -> Begun {
        if call.first || call.reckless {
            return Begun::Go;
        }
        let fresh = Fence {
            fence: call.fence,
            done: false,
            outcome: None,
        };
        match self.fences.get_mut(&call.part) {
            None => {
                self.fences.insert(call.part, fresh);
                Begun::Go
            }
            Some(row) if row.done => Begun::Done(row.outcome.clone()),
            Some(row) if row.fence < call.fence => {
                row.fence = call.fence;
                Begun::Go
            }
            Some(_) => Begun::Fenced,
        }
    }

    /// Commits the effect with its fence row, or neither. Tells whether it did.
    pub(super) fn finish(&mut self, call: &Call, outcome: Option<&Value>) -> bool {
        let unfenced = self.bug == Some(Bug::FenceNotLast) || call.reckless;
        let may = match self.fences.get(&call.part) {
            None => call.first,
            Some(row) => !call.first && row.fence == call.fence && !row.done,
        };
        if !may && !unfenced {
            return false;
        }
        let row = Fence {
            fence: call.fence,
            done: true,
            outcome: outcome.cloned(),
        };
        self.fences.insert(call.part, row);
        self.effect(call);
        true
    }

    fn effect(&mut self, call: &Call) {
        let done = self.effects.entry(call.part).or_default();
        done.push(call.fence);
        let double = done.len() > 1;
        let (execution, run, step) = call.part;
        let text = || format!("execution {execution} run {run} step {}", step.0);
        let late = self.newest.get(&call.part).copied() > Some(call.fence);
        let undone = self
            .undone
            .get(&execution)
            .is_some_and(|undone| run <= *undone);
        let rule = match (double, late, undone) {
            (true, ..) => "an effect is there once",
            (_, true, _) => "no effect after a newer attempt has begun",
            (.., true) => "no effect after a rollback",
            _ => return,
        };
        self.broken.get_or_insert(Broken { rule, text: text() });
    }

    /// How often a part's effect is there.
    pub(super) fn count(&self, part: Part) -> usize {
        self.effects.get(&part).map_or(0, Vec::len)
    }

    /// Removes all that an execution left.
    pub(super) fn roll_back(&mut self, execution: ExecutionId, run: Run) {
        let parts = (execution, Run(0), StepId(0))..=(execution, Run(u32::MAX), StepId(u16::MAX));
        let of_execution = |part: &Part| parts.contains(part);
        self.fences.retain(|part, _| !of_execution(part));
        self.effects.retain(|part, _| !of_execution(part));
        self.workspaces.remove(&execution);
        self.undone.insert(execution, run);
    }
}
