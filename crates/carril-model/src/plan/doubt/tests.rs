//! Which failed steps are told, and how the lane went on over each.

use super::*;
use crate::definition::{
    Action, Definition, Effects, Entities, Fallback, Lanes, RetryPolicy, Scope, Stage, Step,
};
use std::time::Duration;

fn step(name: &str, critical: bool, fallback: Option<&str>) -> Step {
    Step {
        name: name.to_owned(),
        action: Action::Noop,
        when: None,
        critical,
        timeout: Duration::from_secs(1),
        retry: RetryPolicy::default(),
        resources: Vec::new(),
        on_open: Default::default(),
        fallback: fallback.map(|name| Fallback::Step(name.to_owned())),
        shared_writes: Vec::new(),
        effects: Effects::ExactlyOnce,
    }
}

/// Steps 0 to 3: one with two stand-ins in a row, and one that is not critical.
fn plan() -> Plan {
    let steps = vec![
        step("rate", true, Some("cached")),
        step("cached", true, Some("guessed")),
        step("guessed", true, None),
        step("mail", false, None),
    ];
    Plan::new(Definition {
        name: "p".to_owned(),
        description: None,
        params: BTreeMap::new(),
        entities: Entities::Given,
        lanes: Lanes::default(),
        workspace: None,
        resources: BTreeMap::new(),
        goal: crate::definition::Goal::default(),
        stages: vec![Stage {
            name: "s".to_owned(),
            per: Scope::Entity,
            parallel: false,
            when: None,
            steps,
        }],
    })
}

fn doubts(last: &[(u16, StepState, bool)]) -> Vec<(u16, Doubt)> {
    let last = last
        .iter()
        .map(|(step, state, fallback)| (StepId(*step), (*state, *fallback)))
        .collect();
    let told = plan().doubts(&last);
    told.into_iter()
        .map(|(step, doubt)| (step.0, doubt))
        .collect()
}

#[test]
fn what_succeeded_by_itself_is_no_doubt() {
    use StepState::{Skipped, Succeeded};
    let last = [
        (0, Succeeded, false),
        (1, Skipped, false),
        (3, Succeeded, false),
    ];
    assert_eq!(doubts(&last), []);
}

#[test]
fn a_stand_in_is_named_and_no_step_of_its_own() {
    use StepState::{Failed, Succeeded};
    let last = [
        (0, Failed, false),
        (1, Failed, false),
        (2, Succeeded, false),
    ];
    assert_eq!(doubts(&last), [(0, Doubt::StoodIn(StepId(2)))]);
    assert_eq!(doubts(&[(0, Succeeded, true)]), [(0, Doubt::Value)]);
}

#[test]
fn a_step_that_is_not_critical_is_told_and_one_that_failed_its_lane_is_not() {
    use StepState::Failed;
    let last = [(0, Failed, false), (1, Failed, false), (2, Failed, false)];
    assert_eq!(doubts(&last), [], "the lane's own error tells it");
    assert_eq!(doubts(&[(3, Failed, false)]), [(3, Doubt::NotCritical)]);
}
