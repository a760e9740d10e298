//! Names in SQL and in expressions mean the same thing.

use super::*;
use crate::definition::{
    Action, Definition, Effects, Entities, Lanes, RetryPolicy, Scope, Stage, Step,
};
use std::time::Duration;

fn stage(name: &str, steps: &[&str]) -> Stage {
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
        per: Scope::Entity,
        parallel: false,
        when: None,
        steps: steps.iter().map(step).collect(),
    }
}

/// Step `rate` of stage `rate` gave `{"rate": 7}`, step `b` of stage `a` gave `{"n": 1}`.
fn context() -> Context {
    let plan = Arc::new(Plan::new(Definition {
        name: "p".to_owned(),
        description: None,
        params: BTreeMap::new(),
        entities: Entities::Given,
        lanes: Lanes::default(),
        workspace: None,
        resources: BTreeMap::new(),
        goal: crate::definition::Goal::default(),
        stages: vec![stage("rate", &["rate"]), stage("a", &["b"])],
    }));
    let outputs = [
        (StepId(0), json!({"rate": 7})),
        (StepId(1), json!({"n": 1})),
    ];
    Context {
        process: ProcessId(1),
        execution: ExecutionId(2),
        run: Run(1),
        entity_key: Some(Arc::from("K")),
        params: Arc::new(Map::from_iter([("day".to_owned(), json!("2025-06-30"))])),
        entity: Arc::new(Map::from_iter([("size".to_owned(), json!(3))])),
        outputs: BTreeMap::from(outputs),
        plan,
    }
}

#[test]
fn a_step_called_like_its_stage_is_meant_by_that_name() {
    let context = context();
    assert_eq!(context.get("steps.rate.rate"), Some(json!(7)));
    assert_eq!(context.for_expressions()["steps"]["rate"]["rate"], json!(7));
}

#[test]
fn names_find_their_values() {
    let context = context();
    let cases = [
        ("execution_id", json!(2)),
        ("process_id", json!(1)),
        ("entity_key", json!("K")),
        ("entity.key", json!("K")),
        ("day", json!("2025-06-30")),
        ("param.day", json!("2025-06-30")),
        ("size", json!(3)),
        ("steps.b.n", json!(1)),
        ("steps.a.b.n", json!(1)),
    ];
    for (name, expected) in cases {
        assert_eq!(context.get(name), Some(expected), "{name}");
    }
    for name in [
        "nothing",
        "entity.nothing",
        "steps.b.nothing",
        "steps.nothing",
    ] {
        assert_eq!(context.get(name), None, "{name}");
    }
}

#[test]
fn what_is_missing_is_told_with_what_would_be_right() {
    let mut context = context();
    for (name, expected) in [
        (
            "steps.b.m",
            "the output of `a/b` has no field `m`; did you mean `n`?",
        ),
        (
            "entity.sise",
            "this entity has no attribute `sise`; did you mean `size`?",
        ),
        (
            "dai",
            "this entity has no parameter or attribute `dai`; did you mean `day`?",
        ),
    ] {
        assert_eq!(context.why_missing(name), expected);
    }
    context.outputs.clear();
    for name in ["steps.b.n", "steps.a.b.n"] {
        let written = name.strip_suffix(".n").unwrap();
        assert_eq!(
            context.why_missing(name),
            format!(
                "`a/b` has no output here: it was skipped, failed, or gave no row; `when = \"{written} is defined\"` asks first"
            )
        );
    }
}
