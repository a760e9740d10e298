//! Numbering, segments, and the stages that a plan adds: the same whether it starts from the file or from the store.

use super::*;
use crate::definition::{Entities, Isolation, Keep, Lanes, SqlText, Synchronous, Workspace};
use std::collections::BTreeMap;

fn stage(name: &str, per: Scope, steps: &[&str]) -> Stage {
    let step = |name: &&str| Step {
        name: (*name).to_owned(),
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
        steps: steps.iter().map(step).collect(),
    }
}

fn definition(publish: &[Scope]) -> Definition {
    let publish = publish.iter().map(|per| Publish {
        from: "rows".to_owned(),
        into: format!("{per:?}_history"),
        key: vec!["id".to_owned()],
        current: None,
        per: *per,
    });
    Definition {
        name: "p".to_owned(),
        description: None,
        params: BTreeMap::new(),
        entities: Entities::Given,
        lanes: Lanes::default(),
        workspace: Some(Workspace {
            target: "w".to_owned(),
            isolation: Isolation::Own,
            tables: vec!["rows".to_owned()],
            publish: publish.collect(),
            synchronous: Synchronous::Full,
            keep: Keep::Failed,
        }),
        resources: BTreeMap::new(),
        goal: crate::definition::Goal::default(),
        stages: vec![
            stage("a", Scope::Entity, &["x", "y"]),
            stage("b", Scope::Entity, &["x"]),
            stage("c", Scope::Process, &["x"]),
            stage("d", Scope::Entity, &["z"]),
        ],
    }
}

fn paths(plan: &Plan) -> Vec<&str> {
    plan.steps().iter().map(|step| step.path.as_str()).collect()
}

#[test]
fn a_segment_with_something_to_publish_ends_by_publishing() {
    let plan = Plan::new(definition(&[Scope::Entity]));
    assert_eq!(
        paths(&plan),
        [
            "a/x",
            "a/y",
            "b/x",
            "publish/publish",
            "c/x",
            "d/z",
            "publish-2/publish"
        ]
    );
    let scopes: Vec<Scope> = plan
        .segments()
        .iter()
        .map(|segment| segment.scope)
        .collect();
    assert_eq!(scopes, [Scope::Entity, Scope::Process, Scope::Entity]);
    assert_eq!(plan.segments()[0].stages, 0..3);
    let plan = Plan::new(definition(&[Scope::Process]));
    assert_eq!(
        paths(&plan),
        ["a/x", "a/y", "b/x", "c/x", "publish/publish", "d/z"]
    );
}

#[test]
fn a_completed_definition_makes_the_same_plan() {
    let written = definition(&[Scope::Entity, Scope::Process]);
    let plan = Plan::new(written.clone());
    let again = Plan::new(plan.definition().clone());
    assert_eq!(plan.version(), &written.version());
    assert_eq!(
        (again.version(), paths(&again)),
        (plan.version(), paths(&plan))
    );
}

#[test]
fn steps_are_found_by_path_and_by_a_name_that_is_theirs_alone() {
    let plan = Plan::new(definition(&[]));
    assert_eq!(plan.find("b/x"), Some(StepId(2)));
    assert_eq!(plan.find("y"), Some(StepId(1)));
    assert_eq!(plan.find("x"), None);
    assert_eq!(plan.steps_of(0).len(), 2);
    assert_eq!(
        (
            plan.segment_of_stage(1),
            plan.segment_of_stage(2),
            plan.segment_of_stage(3)
        ),
        (0, 1, 2)
    );
    assert_eq!(plan.next_segment(Scope::Entity, 1), Some(2));
}

#[test]
fn a_pipeline_is_the_same_in_every_folder() {
    let plan = Plan::new(definition(&[]));
    assert_eq!(plan.folder(), None);
    let elsewhere = plan.clone().in_folder(Some("/elsewhere".to_owned()));
    assert_eq!(elsewhere.folder(), Some("/elsewhere"));
    assert_eq!(elsewhere.version(), plan.version());
}

#[test]
fn hashes_depend_on_where_texts_end() {
    assert_ne!(stable_hash(&["a", "bc"]), stable_hash(&["ab", "c"]));
    assert_eq!(
        stable_hash(&["fund-report", "101"]),
        stable_hash(&["fund-report", "101"])
    );
    assert!(stable_hash(&["x"]) >= 0);
}

/// What a lane did is lost when publishing gives up, so that is no less patient than the steps before.
#[test]
fn publishing_is_as_patient_as_the_most_patient_step_of_sql() {
    let mut definition = definition(&[Scope::Entity]);
    let tries = |definition: &Definition| {
        let plan = Plan::new(definition.clone());
        let publish = plan.find("publish/publish").expect("it publishes");
        plan.step(publish).retry.attempts
    };
    assert_eq!(tries(&definition), PUBLISH_TRIES_MIN);
    definition.stages[0].steps[0].retry.attempts = 500;
    assert_eq!(
        tries(&definition),
        PUBLISH_TRIES_MIN,
        "a step that does nothing says nothing"
    );
    definition.stages[1].steps[0].retry.attempts = 1_000;
    definition.stages[1].steps[0].action = Action::Sql {
        target: "w".to_owned(),
        sql: SqlText {
            file: "x.sql".to_owned(),
            start: None,
            text: "select 1".to_owned(),
        },
    };
    assert_eq!(tries(&definition), 1_000);
}
