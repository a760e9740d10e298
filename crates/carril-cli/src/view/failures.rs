//! Which executions failed, told as it happens: a few of them, not thousands.

use crate::output::paint;
use crate::output::table::one_line;
use carril::event::Event;
use carril::model::id::ExecutionId;
use carril::model::state::{ExecutionState, StepState};
use std::collections::HashMap;

/// Failures that are told one by one; the summary tells the rest.
const TOLD_MAX: u32 = 10;
/// Executions whose last error is remembered until they settle; as many lanes as a process may have.
const REMEMBERED_MAX: usize = 10_000;

/// The last error of every execution that has one and has not settled.
#[derive(Debug, Default)]
pub(super) struct Failures {
    last: HashMap<ExecutionId, (String, String)>,
    told: u32,
}

impl Failures {
    /// What to say about an event, if it is a failure.
    pub(super) fn event(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::Step {
                execution,
                step,
                state: StepState::Failed,
                error: Some(error),
                ..
            } => {
                if self.last.len() < REMEMBERED_MAX {
                    self.last.insert(*execution, (step.clone(), error.clone()));
                }
                None
            }
            Event::Settled {
                execution,
                entity,
                state,
                ..
            } => {
                let last = self.last.remove(execution);
                if *state != ExecutionState::Failed {
                    return None;
                }
                self.tell(*execution, entity.as_deref(), last)
            }
            _ => None,
        }
    }

    fn tell(
        &mut self,
        execution: ExecutionId,
        entity: Option<&str>,
        last: Option<(String, String)>,
    ) -> Option<String> {
        self.told += 1;
        if self.told > TOLD_MAX {
            return (self.told == TOLD_MAX + 1)
                .then(|| "more executions fail; the summary counts them".to_owned());
        }
        let entity = entity.unwrap_or("(process)");
        let why = last
            .map(|(step, error)| format!(": {step}: {}", one_line(&error)))
            .unwrap_or_default();
        Some(format!(
            "{} {entity} (execution {execution}){why}",
            paint::error("failed")
        ))
    }
}

#[cfg(test)]
mod tests;
