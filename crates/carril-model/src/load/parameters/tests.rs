//! What `--set` gives, by type.

use super::*;
use crate::definition::{Entities, Lanes, Parameter};
use serde_json::json;

fn definition() -> Definition {
    let parameter = |kind, default: Value| Parameter {
        kind,
        default: (!default.is_null()).then_some(default),
        description: None,
    };
    Definition {
        name: "p".to_owned(),
        description: None,
        params: BTreeMap::from([
            (
                "day".to_owned(),
                parameter(ParameterKind::Date, Value::Null),
            ),
            (
                "count".to_owned(),
                parameter(ParameterKind::Integer, json!(3)),
            ),
            (
                "rate".to_owned(),
                parameter(ParameterKind::Number, json!(2)),
            ),
            (
                "dry".to_owned(),
                parameter(ParameterKind::Boolean, json!(false)),
            ),
            (
                "mode".to_owned(),
                parameter(ParameterKind::Text, json!("full")),
            ),
        ]),
        entities: Entities::Given,
        lanes: Lanes::default(),
        workspace: None,
        resources: BTreeMap::new(),
        goal: crate::definition::Goal::default(),
        stages: Vec::new(),
    }
}

fn given(texts: &[(&str, &str)]) -> Result<Value, Vec<String>> {
    let texts = texts
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    match parameters(&definition(), &texts) {
        Ok(values) => Ok(Value::Object(values)),
        Err(findings) => Err(findings.iter().map(ToString::to_string).collect()),
    }
}

#[test]
fn texts_become_values_and_defaults_are_added() {
    let all = given(&[
        ("day", "2025-06-30"),
        ("count", "-7"),
        ("rate", "1"),
        ("dry", "true"),
        ("mode", ""),
    ]);
    assert_eq!(
        all,
        Ok(json!({ "day": "2025-06-30", "count": -7, "rate": 1.0, "dry": true, "mode": "" }))
    );
    let defaults = given(&[("day", "2025-06-30")]);
    assert_eq!(
        defaults,
        Ok(json!({ "day": "2025-06-30", "count": 3, "rate": 2.0, "dry": false, "mode": "full" }))
    );
}

#[test]
fn a_default_and_the_same_value_given_are_the_same() {
    let same = given(&[
        ("day", "2025-06-30"),
        ("rate", "2"),
        ("count", "3"),
        ("mode", "full"),
        ("dry", "false"),
    ]);
    assert_eq!(
        same.unwrap().to_string(),
        given(&[("day", "2025-06-30")]).unwrap().to_string()
    );
}

#[test]
fn everything_wrong_is_told_at_once() {
    let findings = given(&[
        ("dya", "2025-06-30"),
        ("count", "3.5"),
        ("rate", "inf"),
        ("dry", "yes"),
    ])
    .unwrap_err();
    let expected = [
        "the pipeline has no parameter `dya` [CAR0401]; did you mean `day`?",
        "the value of `count` does not fit: `3.5` is not a whole number of 64 bits [CAR0401]; it is as in `--set count=12`",
        "the parameter `day` is not set [CAR0402]; set it: `--set day=2025-06-30`",
        "the value of `dry` does not fit: `yes` is neither `true` nor `false` [CAR0401]; it is as in `--set dry=true`",
        "the value of `rate` does not fit: `inf` is not a number [CAR0401]; it is as in `--set rate=0.5`",
    ];
    assert_eq!(findings, expected);
}

#[test]
fn values_are_exact() {
    for (name, text) in [
        ("day", "2025-02-29"),
        ("day", "30.06.2025"),
        ("count", "9223372036854775808"),
        ("count", ""),
        ("rate", "1e999"),
        ("rate", "NaN"),
        ("dry", "TRUE"),
        ("mode", "a\0b"),
        ("mode", &"x".repeat(VALUE_BYTES_MAX + 1)),
    ] {
        let findings = given(&[("day", "2025-06-30"), (name, text)]).unwrap_err();
        assert!(
            findings.len() == 1 && findings[0].contains("CAR0401"),
            "{name} {text:.20}: {findings:?}"
        );
    }
}
