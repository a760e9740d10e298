//! What expressions give, what they refuse, and where they say that the mistake is.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn context() -> Value {
    json!({
        "entity": { "key": "7", "flag_ubs": 1, "size": 12, "name": "Grün", "nothing": null, "a": { "b": 2 } },
        "param": { "mode": "full" },
        "steps": { "ipa": { "rows": 3 }, "rest": { "list": [1, 2] } },
        "run": 1,
    })
}

#[test]
fn expressions_give_values() {
    for (text, value) in [
        ("entity.flag_ubs", json!(1)),
        ("param.mode == \"full\" and entity.size > 10", json!(true)),
        ("entity.name | upper", json!("GRÜN")),
        ("entity[\"size\"] + 1", json!(13)),
        ("entity.nothing", json!(null)),
        ("entity.missing is defined", json!(false)),
        ("entity.missing | default(4)", json!(4)),
        (
            "steps.skipped is defined and steps.skipped.rows > 0",
            json!(false),
        ),
        ("entity.a.b + entity.a | length", json!(3)),
        ("steps.rest.list[1]", json!(2)),
        ("run", json!(1)),
        ("entity.key ~ '-' ~ run", json!("7-1")),
    ] {
        assert_eq!(
            Expression::parse(text).unwrap().evaluate(&context()),
            Ok(value),
            "{text}"
        );
    }
}

#[test]
fn truth_is_jinjas() {
    for (text, truth) in [
        ("entity.flag_ubs", true),
        ("not entity.flag_ubs", false),
        ("entity.nothing", false),
        ("''", false),
        ("[]", false),
        ("0.0", false),
        ("'0'", true),
    ] {
        assert_eq!(
            Expression::parse(text).unwrap().holds(&context()),
            Ok(truth),
            "{text}"
        );
    }
}

#[test]
fn a_missing_name_is_an_error_and_never_empty() {
    for text in [
        "entity.missing",
        "not entity.missing",
        "entity.missing == 1",
        "entity.missing.deeper",
        "entity.nothing.deeper",
        "steps.none.rows > 1",
    ] {
        let expression = Expression::parse(text).unwrap();
        assert!(expression.evaluate(&context()).is_err(), "{text}");
        let error = expression.holds(&context()).unwrap_err();
        assert!(error.contains(text), "{error}");
    }
}

#[test]
fn mistakes_have_their_place() {
    for (text, at, says) in [
        ("entity.", "", "unexpected end"),
        ("entity.size >", "", "unexpected end"),
        ("entity.size = 3", "=", "unexpected"),
        ("entity.name | uper", "", "there is no filter `uper`"),
        ("entity.name is stringy", "", "there is no test `stringy`"),
        ("range(10)", "range(10)", "call no functions"),
        ("entity.name.upper()", "", "call no functions"),
        ("'open", "", ""),
    ] {
        let error = Expression::parse(text).unwrap_err();
        assert!(error.message.contains(says), "{text}: {error}");
        assert!(
            text[error.range.clone()].contains(at),
            "{text}: {:?} is `{}`",
            error.range,
            &text[error.range.clone()]
        );
    }
}

#[test]
fn names_are_told_with_their_places() {
    let text = "entity.a.b > 1 and (param[\"mode\"] == 'x' or steps.s.list[run] is defined)";
    let expression = Expression::parse(text).unwrap();
    let names: Vec<(String, &str)> = expression
        .names()
        .iter()
        .map(|name| (name.dotted(), &text[name.range.clone()]))
        .collect();
    let expected = [
        ("entity.a.b", "entity.a.b"),
        ("param.mode", "param[\"mode\"]"),
        ("steps.s.list", "steps.s.list"),
        ("run", "run"),
    ];
    assert_eq!(
        names,
        expected.map(|(name, place)| (name.to_owned(), place))
    );
}

#[test]
fn cost_is_bounded() {
    let mut factor = "'xxxxxxxxxxxxxxxx'".to_owned();
    for _ in 0..6 {
        factor = format!("({factor} * 1000)");
    }
    let error = Expression::parse(&factor)
        .unwrap()
        .evaluate(&context())
        .unwrap_err();
    assert!(error.contains("units of work"), "{error}");
    assert!(Expression::parse(&"1+".repeat(EXPRESSION_BYTES_MAX)).is_err());
}

#[test]
fn the_longest_chains_fit_a_small_stack() {
    let chains = [
        "1+",
        "a.",
        "a|",
        "not ",
        "-",
        "(",
        "[",
        "a if a else ",
        "a and ",
        "a<",
        "a~",
        "x[",
    ]
    .map(|part| {
        let mut text = part.repeat(EXPRESSION_BYTES_MAX / part.len() - 2);
        text.push_str(if part == "a|" { "upper" } else { "a" });
        text
    });
    let stack = std::thread::Builder::new().stack_size(1024 * 1024);
    let work = move || {
        for text in chains {
            if let Ok(expression) = Expression::parse(&text) {
                let _ = expression.evaluate(&json!({ "a": 1 }));
            }
        }
    };
    stack.spawn(work).unwrap().join().unwrap();
}

#[test]
fn it_is_stored_as_its_text_and_compiled_again() {
    let expression = Expression::parse("entity.size > 10").unwrap();
    let text = serde_json::to_string(&expression).unwrap();
    assert_eq!(text, "\"entity.size > 10\"");
    let back: Expression = serde_json::from_str(&text).unwrap();
    assert_eq!(back, expression);
    assert_eq!(back.holds(&context()), Ok(true));
    let broken: Expression = serde_json::from_str("\"entity.\"").unwrap();
    assert!(
        broken
            .evaluate(&context())
            .unwrap_err()
            .contains("is no expression")
    );
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,60}|[a-z0-9 .|()\\[\\]{}'\"+*/<>=~%-]{0,60}") {
        match Expression::parse(&text) {
            Ok(expression) => {
                let _ = expression.evaluate(&context());
                for name in expression.names() {
                    prop_assert!(text.get(name.range.clone()).is_some());
                }
            }
            Err(error) => prop_assert!(text.get(error.range).is_some()),
        }
    }
}

#[test]
fn a_missing_value_is_named_with_what_stands_beside_it() {
    let context = json!({ "steps": { "rate": { "value": 3 } }, "entity": { "list": [1] } });
    let why = |text: &str| {
        Expression::from(text.to_owned())
            .holds(&context)
            .unwrap_err()
    };
    assert_eq!(
        why("steps.rate.vlaue > 1"),
        "`steps.rate.vlaue > 1` cannot be evaluated: `steps.rate.vlaue` has no value here; did you mean `value`?"
    );
    assert!(
        why("steps.spare.value > 1")
            .contains("`steps.spare.value` has no value here; there is `rate`"),
    );
    assert!(why("entity.size > 1 and steps.rate.value > 1").contains("`entity.size` has no value"));
}
