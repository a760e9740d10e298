//! Which braces are names, which are braces, and which are neither.

use super::*;
use proptest::prelude::*;

/// The pieces, written down: text as it is, values as `<name>`, secrets as `<secret name>`.
fn shown(text: &str, secrets: bool) -> Result<String, usize> {
    let pieces = split(text, secrets)?;
    let show = |piece: &Piece<'_>| match piece {
        Piece::Text(text) => (*text).to_owned(),
        Piece::Value { name, range } => {
            assert_eq!(text[range.clone()], format!("{{{name}}}"));
            format!("<{name}>")
        }
        Piece::Secret { name, range } => {
            assert_eq!(text[range.clone()], format!("${{secret:{name}}}"));
            format!("<secret {name}>")
        }
    };
    Ok(pieces.iter().map(show).collect())
}

#[test]
fn names_and_braces_are_told_apart() {
    let cases = [
        ("", Ok("")),
        ("plain", Ok("plain")),
        ("{a}", Ok("<a>")),
        (
            "x{param.day}y{steps.extract.my-step.rows}",
            Ok("x<param.day>y<steps.extract.my-step.rows>"),
        ),
        ("{{a}}", Ok("{a}")),
        ("{{{a}}}", Ok("{<a>}")),
        ("{{{{}}}}", Ok("{{}}")),
        ("ü{größe}ü", Ok("ü<größe>ü")),
        ("{", Err(0)),
        ("}", Err(0)),
        ("a { b", Err(2)),
        ("{}", Err(0)),
        ("{1}", Err(0)),
        ("{{{", Err(2)),
        ("{a} {b", Err(4)),
        ("{ a }", Err(0)),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text, false), expected.map(str::to_owned), "{text}");
        assert_eq!(shown(text, true), expected.map(str::to_owned), "{text}");
    }
}

#[test]
fn secrets_are_only_where_they_may_be() {
    let cases = [
        ("Bearer ${secret:token}", Ok("Bearer <secret token>")),
        ("${secret:a}${secret:b}{c}", Ok("<secret a><secret b><c>")),
        ("{secret:token}", Err(0)),
        ("${secret:}", Err(1)),
        ("${secret:a b}", Err(1)),
        ("${env:TOKEN}", Err(1)),
        ("${a}", Ok("$<a>")),
        ("$${secret:a}", Ok("$<secret a>")),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text, true), expected.map(str::to_owned), "{text}");
    }
    assert_eq!(shown("Bearer ${secret:token}", false), Err(8));
}

proptest! {
    #[test]
    fn any_text_with_its_braces_doubled_is_itself(text: String) {
        let doubled = text.replace('{', "{{").replace('}', "}}");
        prop_assert_eq!(shown(&doubled, true), Ok(text));
    }

    #[test]
    fn no_text_is_too_odd_to_be_looked_at(text in "[{}$a.:secret]{0,20}") {
        if let Err(offset) = split(&text, true) {
            let is_brace = matches!(text.as_bytes()[offset], b'{' | b'}');
            prop_assert!(is_brace);
        }
    }
}
