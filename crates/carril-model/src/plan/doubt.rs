//! Steps that did not succeed by themselves although their lane went on: by a fallback, or because they are not critical. Whoever
//! sums up or explains a run tells them, as a run that reads `succeeded` may hold them.

use super::Plan;
use crate::id::StepId;
use crate::state::StepState;
use std::collections::BTreeMap;

/// How a lane went on over a step that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// Its fallback value is its output.
    Value,
    /// This step ran instead, and succeeded.
    StoodIn(StepId),
    /// It is not critical.
    NotCritical,
}

/// How a step's last attempt ended, and whether it succeeded by its fallback value.
pub type LastAttempt = (StepState, bool);

impl Plan {
    /// Steps of one run that did not succeed by themselves, and how its lane went on, in order of the steps; a step that failed
    /// its lane is none of them.
    #[must_use]
    pub fn doubts(&self, last: &BTreeMap<StepId, LastAttempt>) -> Vec<(StepId, Doubt)> {
        let state = |step: StepId| last.get(&step).map(|(state, _)| *state);
        let doubt = |step: StepId| match last.get(&step)? {
            (StepState::Succeeded, true) => Some(Doubt::Value),
            (StepState::Failed, _) => {
                let stood_in = self
                    .stand_ins(step)
                    .find(|other| state(*other) == Some(StepState::Succeeded));
                let not_critical = (!self.step(step).critical).then_some(Doubt::NotCritical);
                stood_in.map(Doubt::StoodIn).or(not_critical)
            }
            _ => None,
        };
        let own = self.steps().iter().filter(|planned| !planned.is_fallback);
        own.filter_map(|planned| Some((planned.id, doubt(planned.id)?)))
            .collect()
    }
}

#[cfg(test)]
mod tests;
