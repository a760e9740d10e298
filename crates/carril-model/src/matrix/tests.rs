//! Letters of stages: one for each, of nothing but its own steps, whatever order they are told in.

use super::*;
use crate::definition::{Action, Definition, Effects, Entities, Lanes, RetryPolicy, Stage, Step};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

fn stage(name: &str, per: Scope, steps: usize) -> Stage {
    let step = |number: usize| Step {
        name: format!("step{number}"),
        action: Action::Noop,
        when: None,
        critical: true,
        timeout: Duration::from_secs(1),
        retry: RetryPolicy::default(),
        resources: Vec::new(),
        on_open: Default::default(),
        fallback: None,
        shared_writes: Vec::new(),
        effects: Effects::ExactlyOnce,
    };
    Stage {
        name: name.to_owned(),
        per,
        parallel: false,
        when: None,
        steps: (0..steps).map(step).collect(),
    }
}

/// Steps 0 and 1, 2, 3 to 5.
fn plan() -> Plan {
    Plan::new(Definition {
        name: "p".to_owned(),
        description: None,
        params: BTreeMap::new(),
        entities: Entities::Given,
        lanes: Lanes::default(),
        workspace: None,
        resources: BTreeMap::new(),
        goal: crate::definition::Goal::default(),
        stages: vec![
            stage("load", Scope::Entity, 2),
            stage("total", Scope::Process, 1),
            stage("report", Scope::Entity, 3),
        ],
    })
}

fn told(is_own: bool, steps: &[(u16, StepState)]) -> String {
    let steps: Vec<_> = steps
        .iter()
        .map(|(step, state)| (StepId(*step), *state))
        .collect();
    letters(&plan(), is_own, &steps)
}

#[test]
fn a_stage_is_where_its_steps_are() {
    use StepState::{
        Cancelled, Failed, Interrupted, Pending, Running, Skipped, Succeeded, Waiting,
    };
    let cases: [(&[(u16, StepState)], &str); 11] = [
        (&[], ".-."),
        (&[(0, Pending)], ".-."),
        (&[(0, Running)], "r-."),
        (&[(0, Succeeded)], "p-."),
        (&[(0, Succeeded), (1, Skipped)], "s-."),
        (&[(0, Skipped), (1, Skipped), (3, Waiting)], "k-w"),
        (&[(0, Succeeded), (1, Failed), (3, Running)], "f-r"),
        (&[(3, Running), (4, Failed), (5, Cancelled)], ".-f"),
        (&[(3, Interrupted), (4, Succeeded)], ".-i"),
        (&[(3, Cancelled), (4, Skipped)], ".-c"),
        (&[(2, Succeeded), (99, Failed)], ".-."),
    ];
    for (steps, expected) in cases {
        assert_eq!(told(false, steps), expected, "{steps:?}");
    }
    assert_eq!(told(true, &[(2, Succeeded), (0, Failed)]), "-s-");
}

fn state() -> impl Strategy<Value = StepState> {
    prop::sample::select(StepState::ALL.to_vec())
}

proptest! {
    #[test]
    fn order_does_not_matter_and_stages_do_not_meet(
        states in prop::collection::vec(state(), 6),
        other in state(),
    ) {
        let steps: Vec<_> = (0_u16..).zip(states).collect();
        let forth = told(false, &steps);
        let back: Vec<_> = steps.iter().rev().copied().collect();
        prop_assert_eq!(&forth, &told(false, &back));
        prop_assert_eq!(forth.chars().count(), 3);
        let mut changed = steps;
        changed[5].1 = other;
        prop_assert_eq!(&told(false, &changed)[..2], &forth[..2]);
    }

    #[test]
    fn a_failed_step_is_never_hidden(states in prop::collection::vec(state(), 3), at in 0_usize..3) {
        let mut steps: Vec<_> = (3_u16..).zip(states).collect();
        steps[at].1 = StepState::Failed;
        prop_assert_eq!(told(false, &steps).chars().last(), Some('f'));
    }
}
