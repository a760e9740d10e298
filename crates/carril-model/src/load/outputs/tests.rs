//! What a target tells of outputs, against what later steps use.

use crate::contract::Inspection;
use crate::load::{Files, check_outputs, parse};
use std::collections::BTreeMap;

struct Text(String);

impl Files for Text {
    fn read(&self, _: &str) -> Result<Option<String>, String> {
        Ok(Some(self.0.clone()))
    }
}

/// What is told of a step `rate` with these keys that gives these columns, and of one whose `when` and SQL use it.
fn told(rate: &str, columns: Option<&[&str]>, when: &str, sql: &str) -> Vec<String> {
    let text = format!(
        "name = \"p\"\n[entities]\nlist = [\"a\"]\n[[stage]]\nname = \"s\"\n\
         [[stage.step]]\nname = \"rate\"\nsql = \"select 1 as value\"\ntarget = \"w\"\n{rate}\n\
         [[stage.step]]\nname = \"use\"\ntarget = \"w\"\nwhen = \"{when}\"\nsql = \"{sql}\"\n"
    );
    let loaded = parse(&Text(text));
    let definition = loaded
        .definition
        .as_ref()
        .unwrap_or_else(|| panic!("{:?}", loaded.findings));
    let inspection = columns.map(|columns| Inspection {
        columns: columns.iter().map(|&column| column.to_owned()).collect(),
        ..Inspection::default()
    });
    let inspections: BTreeMap<(usize, usize), &Inspection> = inspection
        .iter()
        .map(|inspection| ((0, 0), inspection))
        .collect();
    let findings = check_outputs(definition, &loaded.used_outputs, &inspections);
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_field_that_no_column_gives_is_told_with_its_place_and_the_nearest() {
    let columns: Option<&[&str]> = Some(&["value", "rows"]);
    assert_eq!(
        told(
            "",
            columns,
            "steps.rate.vlaue > 1",
            "select :steps.s.rate.rwos"
        ),
        [
            "pipeline.toml:14:9: the output of `s/rate` has no field `vlaue` [CAR0127]; did you mean `value`?",
            "pipeline.toml:15:15: the output of `s/rate` has no field `rwos` [CAR0127]; did you mean `rows`?",
        ]
    );
    let right = told(
        "",
        columns,
        "steps.rate.value > 1",
        "select :steps.rate.rows",
    );
    assert_eq!(right, Vec::<String>::new());
}

#[test]
fn what_the_target_was_not_asked_is_not_judged() {
    let unasked = told("", None, "steps.rate.vlaue > 1", "select 1");
    assert_eq!(unasked, Vec::<String>::new());
}

#[test]
fn a_step_without_rows_has_no_output() {
    let none = told("", Some(&[]), "steps.rate.value > 1", "select 1");
    assert_eq!(none.len(), 1, "{none:?}");
    assert!(none[0].contains("`s/rate` has no output: its last statement returns no rows"));
}

#[test]
fn a_fallback_gives_its_own_fields() {
    let rate = "fallback = { spare = 1 }";
    let when = "steps.rate.spare is defined or steps.rate.value > 1";
    assert_eq!(
        told(rate, Some(&["value"]), when, "select 1"),
        Vec::<String>::new()
    );
    let other = told(rate, Some(&["value"]), "steps.rate.rest", "select 1");
    assert!(
        other[0].ends_with("there is `value` or `spare`"),
        "{other:?}"
    );
    // A plain value, a list or another step may have any field.
    assert_eq!(
        told(
            "fallback = [1]",
            Some(&["value"]),
            "steps.rate.x",
            "select 1"
        ),
        Vec::<String>::new()
    );
}
