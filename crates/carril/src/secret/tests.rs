//! References are replaced only by those who open targets, and their values never come out again.

use super::*;

struct Known;

impl Secrets for Known {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "PLACE").then(|| "hidden/place".to_owned())
    }

    fn file(&self, path: &str) -> Result<String, String> {
        if path == "password.txt" {
            Ok("pass word\n".to_owned())
        } else {
            Err(format!("there is no file {path}"))
        }
    }
}

fn value(text: &str) -> String {
    match resolve(text, &Known) {
        Ok(resolved) => resolved.value().to_owned(),
        Err(why) => format!("error: {why}"),
    }
}

#[test]
fn references_are_replaced_and_the_rest_stays() {
    assert_eq!(value("sqlite:plain.db"), "sqlite:plain.db");
    assert_eq!(
        value("sqlite:${env:PLACE}/a.db"),
        "sqlite:hidden/place/a.db"
    );
    assert_eq!(
        value("a${file:password.txt}b${env:PLACE}"),
        "apass wordbhidden/place"
    );
}

#[test]
fn what_stands_for_nothing_is_named_without_any_value() {
    assert_eq!(
        value("${env:PLACE}${env:OTHER}"),
        "error: `${env:OTHER}`: there is no variable OTHER in the environment"
    );
    assert_eq!(
        value("${file:none}"),
        "error: `${file:none}`: there is no file none"
    );
}

#[test]
fn wrong_references_are_told_with_their_place() {
    let wrong = |text: &str| check(text).expect_err("it is wrong").range;
    assert_eq!(wrong("a${env:X"), 1..8);
    assert_eq!(wrong("a${X}b"), 1..5);
    assert_eq!(wrong("${env:}"), 0..7);
    assert_eq!(check("no reference, and a $ or {x}"), Ok(()));
}

#[test]
fn values_are_taken_out_of_texts_and_of_debug() {
    let resolved = resolve("sqlite:${env:PLACE}/a.db", &Known).expect("it resolves");
    assert_eq!(
        resolved.hide("cannot open hidden/place/a.db"),
        "cannot open ${env:PLACE}/a.db"
    );
    assert_eq!(
        format!("{resolved:?}"),
        r#"Resolved("sqlite:${env:PLACE}/a.db")"#
    );
}
