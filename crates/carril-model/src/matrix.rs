//! Executions by stages, as one letter each: what a picture of a whole process is made of. Pure: it takes where steps are and says
//! where their stage is. How letters look is the affair of whoever shows them.

use crate::definition::Scope;
use crate::id::StepId;
use crate::plan::Plan;
use crate::state::StepState;

/// No stage of this execution: one of the process itself for an entity's, and the other way round.
pub const ELSEWHERE: char = '-';
/// None of its steps was reached.
pub const PENDING: char = '.';
/// Some of its steps are done, and none is under way: it is between two of them, or its execution stopped there.
pub const PARTLY: char = 'p';

/// A letter for each stage of an execution, in order of the plan's stages. `is_own` says that it is the process's own execution; `steps`
/// are where its steps are, in any order, and those that were not reached may be left out.
#[must_use]
pub fn letters(plan: &Plan, is_own: bool, steps: &[(StepId, StepState)]) -> String {
    let mut states = vec![None; plan.steps().len()];
    for (step, state) in steps {
        if let Some(known) = states.get_mut(step.index()) {
            *known = Some(*state);
        }
    }
    let scope = if is_own {
        Scope::Process
    } else {
        Scope::Entity
    };
    let stages = plan.definition().stages.iter().enumerate();
    stages
        .map(|(position, stage)| {
            if stage.per != scope {
                return ELSEWHERE;
            }
            let ours = plan.steps().iter().zip(&states);
            let ours = ours.filter(|(step, _)| step.stage == position);
            let ours: Vec<Option<StepState>> = ours.map(|(_, state)| *state).collect();
            letter(&ours)
        })
        .collect()
}

/// Where a stage is whose steps are there; `None` is a step that was not reached. What somebody should look at goes first.
fn letter(steps: &[Option<StepState>]) -> char {
    let is_any = |state| steps.contains(&Some(state));
    let first = [
        (StepState::Failed, 'f'),
        (StepState::Running, 'r'),
        (StepState::Waiting, 'w'),
        (StepState::Interrupted, 'i'),
        (StepState::Cancelled, 'c'),
    ];
    if let Some((_, letter)) = first.into_iter().find(|(state, _)| is_any(*state)) {
        return letter;
    }
    let is_done = |step: &&Option<StepState>| step.is_some_and(|state| state != StepState::Pending);
    match steps.iter().filter(is_done).count() {
        0 => PENDING,
        done if done < steps.len() => PARTLY,
        _ if is_any(StepState::Succeeded) => 's',
        _ => 'k',
    }
}

#[cfg(test)]
mod tests;
