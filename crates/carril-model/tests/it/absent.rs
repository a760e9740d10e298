//! The output of a step that may not have run is a doubt, unless whoever uses it asks first or is skipped with it.

use crate::support::load;
use carril_model::finding::Severity;

/// A step `rate` with these keys, and one with these that uses its output.
fn doubts(rate: &str, user: &str) -> Vec<String> {
    let text = format!(
        "name = \"p\"\n[entities]\nlist = [\"a\"]\n[params]\nfull = {{ type = \"boolean\", default = true }}\n\
         [[stage]]\nname = \"s\"\n\
         [[stage.step]]\nname = \"rate\"\nsql = \"select 1 as value\"\ntarget = \"w\"\n{rate}\n\
         [[stage.step]]\nname = \"convert\"\ntarget = \"w\"\n{user}\n"
    );
    let loaded = load(&text);
    assert!(!loaded.has_errors(), "{:?}", loaded.findings);
    let warnings = loaded
        .findings
        .iter()
        .filter(|finding| finding.code == "CAR0215");
    warnings
        .map(|finding| {
            assert_eq!(finding.severity, Severity::Warning);
            assert!(finding.place.is_some() && finding.help.is_some());
            finding.message.clone()
        })
        .collect()
}

const USER: &str = "sql = \"select :steps.rate.value\"";
const WHEN: &str = "when = \"param.full\"";

#[test]
fn a_step_with_a_condition_may_have_no_output() {
    let told = doubts(WHEN, USER);
    assert_eq!(
        told,
        [
            "`steps.rate.value` may have no value, and this step then fails: `s/rate` is skipped where `param.full` is false"
        ]
    );
    let told = doubts("critical = false", USER);
    assert!(
        told[0].ends_with("`s/rate` is not critical and may fail"),
        "{told:?}"
    );
}

#[test]
fn whoever_asks_first_or_is_skipped_too_needs_no_word() {
    for (rate, user) in [
        ("", USER.to_owned()),
        (WHEN, format!("{USER}\nwhen = \"steps.rate is defined\"")),
        (WHEN, format!("{USER}\n{WHEN}")),
        (
            "critical = false\nfallback = { value = 1 }",
            USER.to_owned(),
        ),
        (WHEN, "sql = \"select 1\"".to_owned()),
    ] {
        assert_eq!(doubts(rate, &user), Vec::<String>::new(), "{rate} / {user}");
    }
}
