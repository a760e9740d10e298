//! Whatever the text, loading ends with a definition or with findings, never with a panic.

use crate::support::{load, render};
use proptest::prelude::*;

const EVERYTHING: &str = include_str!("good/everything.toml");

/// A piece of text that may stand where a value, a key or a line was.
fn piece() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "",
        "\"\"",
        "'",
        "\"\"\"",
        "[",
        "]",
        "[[",
        "{",
        "}",
        "=",
        "\n",
        "#@ sql/rows.sql\n",
        "nan",
        "-1",
        "99999999999999999999",
        "2025-02-30",
        "true",
        "[[stage]]\n",
        "[[stage.step]]\n",
        "\u{0}",
        "\u{feff}",
        "é",
        "\r\n",
        ":steps.",
        "entity.",
        "{x}",
        ";",
        "..",
        "/",
        "\\",
        "a.b.c = 1\n",
    ];
    prop_oneof![
        prop::sample::select(PIECES).prop_map(str::to_owned),
        any::<String>(),
        "[a-z_]{1,12}"
    ]
}

proptest! {
    #[test]
    fn arbitrary_text(text in any::<String>()) {
        let loaded = load(&text);
        prop_assert_eq!(loaded.definition.is_none(), loaded.has_errors());
    }

    #[test]
    fn a_good_pipeline_with_pieces_replaced(places in prop::collection::vec((0usize..EVERYTHING.len(), 0usize..40, piece()), 1..5)) {
        let mut text = EVERYTHING.to_owned();
        for (at, length, piece) in places {
            let start = text.floor_char_boundary(at.min(text.len()));
            let end = text.floor_char_boundary((start + length).min(text.len()));
            text.replace_range(start..end, &piece);
        }
        let loaded = load(&text);
        prop_assert_eq!(loaded.definition.is_none(), loaded.has_errors(), "{}", render(&loaded));
        for finding in &loaded.findings {
            prop_assert!(finding.help.is_some(), "{}", finding);
        }
    }

    #[test]
    fn words_swapped_with_others_of_the_same_file(swaps in prop::collection::vec((0usize..400, 0usize..400), 1..4)) {
        let mut words: Vec<&str> = EVERYTHING.split_inclusive(|character: char| !character.is_alphanumeric()).collect();
        for (one, other) in swaps {
            let count = words.len();
            words.swap(one % count, other % count);
        }
        let loaded = load(&words.concat());
        prop_assert_eq!(loaded.definition.is_none(), loaded.has_errors());
    }
}

/// Files of the largest size that is taken, made to be slow: each is done in well under the test's time limit.
#[test]
fn large_files_take_bounded_work() {
    let head = "name = \"p\"\n[entities]\ntarget = \"t\"\nkey = \"k\"\nsql = \"select 1\"\n[[stage]]\nname = \"s\"\n[[stage.step]]\nname = \"a\"\nsql = \"a.sql\"\n";
    let unknown: String = (0..60_000).map(|at| format!(":a{at}.b ")).collect();
    let attributes: String = (0..60_000).map(|at| format!(":a{at} ")).collect();
    let keys: String = (0..60_000).map(|at| format!("k{at} = 1\n")).collect();
    let params: String = (0..30_000)
        .map(|at| format!("p{at} = {{ type = \"text\" }}\n"))
        .collect();
    let typos: String = (0..300).map(|at| format!(":param.q{at} ")).collect();
    let resources: String = (0..30_000).map(|at| format!("r{at}.slots = 1\n")).collect();
    let steps: String = (0..15_000)
        .map(|at| {
            format!(
                "[[stage.step]]\nname = \"s{at}\"\nnoop = true\nfallback_step = \"s{}\"\n",
                at + 1
            )
        })
        .collect();
    let chain: String = (0..999)
        .map(|at| {
            format!(
                "[[stage.step]]\nname = \"s{at}\"\nnoop = true\nfallback_step = \"s{}\"\n",
                at + 1
            )
        })
        .collect();
    let tables: String = (0..60_000).map(|at| format!("\"t{at}\", ")).collect();
    let one_line = format!("x = [{}]\n", "{ a = 1 },".repeat(80_000));
    for text in [
        format!("{head}#@ a.sql\nselect {unknown}"),
        format!("{head}#@ a.sql\nselect {attributes}"),
        format!("{head}{keys}"),
        format!("{head}[params]\n{params}\n#@ a.sql\nselect {typos}"),
        format!("{head}[resource]\n{resources}"),
        format!("{head}{steps}"),
        format!("{head}{chain}"),
        format!("{head}{}", "[[stage]]\n".repeat(90_000)),
        format!("{head}[workspace]\ntables = [{tables}]\n"),
        format!("{one_line}{head}"),
        "[".repeat(1_000_000),
        "a.".repeat(500_000),
        "\"".repeat(1_000_001),
        "x = 1 y = 2\n".repeat(80_000),
    ] {
        let loaded = load(&text);
        assert!(!loaded.findings.is_empty() || loaded.assumed_attributes.len() == 2_000);
        assert!(loaded.findings.len() <= 200);
    }
}
