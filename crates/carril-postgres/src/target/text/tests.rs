//! What the server gets, and where what it says about it points.

use super::*;
use proptest::prelude::*;

fn all(text: &str) -> Vec<Written> {
    let script = Script::parse(text).unwrap();
    script
        .statements()
        .iter()
        .map(|statement| Written::new(&script, statement, Numbers::PerName))
        .collect()
}

#[test]
fn placeholders_become_numbers_and_nothing_else_does() {
    let table: &[(&str, &str, &[&str])] = &[
        ("select :a, :b, :a", "select $1, $2, $1", &["a", "b"]),
        (
            "select :x::int, '…:y' || :y",
            "select $1::int, '…:y' || $2",
            &["x", "y"],
        ),
        (
            "select $$ :no $$, $t$ :no $t$, \":no\" -- :no\n, :yes",
            "select $$ :no $$, $t$ :no $t$, \":no\" -- :no\n, $1",
            &["yes"],
        ),
        (
            "select j->>'a', j #>> '{a}', j @> '{}', j ? 'k', j ?| array['k'] from t",
            "select j->>'a', j #>> '{a}', j @> '{}', j ? 'k', j ?| array['k'] from t",
            &[],
        ),
        (
            "select f(a := :steps.ipa.rows, b => 1)",
            "select f(a := $1, b => 1)",
            &["steps.ipa.rows"],
        ),
        (
            "select E'it\\'s :no', :entity.code",
            "select E'it\\'s :no', $1",
            &["entity.code"],
        ),
    ];
    for (text, sent, names) in table {
        let written = all(text).remove(0);
        assert_eq!(
            (written.text.as_str(), written.names),
            (*sent, names.iter().map(|name| (*name).to_owned()).collect()),
            "{text}"
        );
    }
}

#[test]
fn each_use_may_have_a_number_of_its_own() {
    let script = Script::parse("select :a, :b, :a").unwrap();
    let written = Written::new(&script, &script.statements()[0], Numbers::PerUse);
    assert_eq!(written.text, "select $1, $2, $3");
    assert_eq!(written.names, ["a", "b", "a"]);
}

#[test]
fn positions_lead_back_to_what_was_written() {
    let text = "select 1;\nselect 'é', :long_name, nme";
    let written = all(text).remove(1);
    assert_eq!(written.text, "select 'é', $1, nme");
    let at = u32::try_from(
        written
            .text
            .chars()
            .position(|letter| letter == 'n')
            .unwrap(),
    )
    .unwrap();
    assert_eq!(&text[written.source(at + 1)..], "nme");
    let dollar = u32::try_from(
        written
            .text
            .chars()
            .position(|letter| letter == '$')
            .unwrap(),
    )
    .unwrap();
    assert_eq!(&text[written.source(dollar + 2)..][..10], ":long_name");
    assert_eq!(written.source(10_000), text.len());
}

#[test]
fn what_reaches_beyond_a_step_is_refused() {
    let refused = [
        "commit",
        "rollback",
        "begin",
        "savepoint a",
        "end",
        "start transaction",
        "abort",
        "release a",
        "prepare transaction 'x'",
        "prepare p as select 1",
        "deallocate all",
        "discard all",
        "set search_path = x",
        "set session role x",
        "reset all",
        "listen x",
        "unlisten *",
        "load 'x'",
        "vacuum t",
        "copy t from stdin",
        "copy t to stdout",
    ];
    let allowed = [
        "set local work_mem = '64MB'",
        "set constraints all deferred",
        "copy t from '/file'",
        "select 1",
        "call p()",
        "update t set commit = 1",
        "notify x",
        "truncate t",
        "with a as (select 1) select * from a",
        "do $$ begin perform 1; end $$",
    ];
    let judged = |text: &str| {
        let script = Script::parse(text).unwrap();
        refusal(&script, &script.statements()[0])
    };
    for text in refused {
        assert!(judged(text).is_some(), "{text}");
    }
    for text in allowed {
        assert_eq!(judged(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn every_position_leads_into_the_statement(text in "(select |:a|'|é|::|\\$1|;|,| |x|\\$\\$){0,12}", position in 0_u32..80) {
        if let Ok(script) = Script::parse(&text) {
            for statement in script.statements() {
                let written = Written::new(&script, statement, Numbers::PerUse);
                let source = written.source(position);
                prop_assert!(source >= statement.range.start && source <= statement.range.end);
                prop_assert!(text.is_char_boundary(source));
            }
        }
    }
}
