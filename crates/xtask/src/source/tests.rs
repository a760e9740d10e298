//! The reader of Rust files, on small texts.

use super::*;

fn read(text: &str) -> RustFile {
    RustFile::parse("crates/x/src/lib.rs", text).unwrap()
}

fn words(file: &RustFile) -> Vec<&str> {
    file.tokens
        .iter()
        .filter(|token| token.kind == Kind::Word)
        .map(|token| token.text.as_str())
        .collect()
}

#[test]
fn comments_and_strings_are_not_code() {
    let file =
        read("//! Top.\n/* a\n b */ fn x() { // tail\n let y = \"spawn\"; }\n/// Doc.\nstruct S;");
    assert_eq!(words(&file), ["fn", "x", "let", "y", "struct", "S"]);
    let comments: Vec<(usize, &str)> = file
        .comments
        .iter()
        .map(|comment| (comment.line, comment.text.as_str()))
        .collect();
    assert_eq!(
        comments,
        [
            (1, "//! Top."),
            (2, "/* a"),
            (3, "b */"),
            (3, "// tail"),
            (5, "/// Doc.")
        ]
    );
    let texts: Vec<&Token> = file
        .tokens
        .iter()
        .filter(|token| token.kind == Kind::Text)
        .collect();
    assert_eq!((texts[0].text.as_str(), texts[0].line), ("spawn", 4));
}

#[test]
fn a_written_doc_attribute_is_code() {
    assert_eq!(
        words(&read("#[doc = \"x\"]\nstruct S;")),
        ["doc", "struct", "S"]
    );
}

#[test]
fn places_are_right_behind_letters_of_several_bytes() {
    let file = read("// ñandú €\nfn a() { let é = \"ü\"; /* ß */ b::c(); }\n");
    assert_eq!(file.paths[0].segments, ["b", "c"]);
    assert_eq!(file.comments.len(), 2);
    assert_eq!(file.comments[1].text, "/* ß */");
}

#[test]
fn paths_are_found_in_macros_and_in_use_groups() {
    let file = read("use std::{env, time::{Instant as I}};\nfn a() { vec![tokio::spawn(f())]; }");
    let paths: Vec<String> = file
        .paths
        .iter()
        .map(|path| path.segments.join("::"))
        .collect();
    assert!(paths.contains(&"tokio::spawn".to_owned()));
    assert!(paths.contains(&"std::env".to_owned()));
    assert!(paths.contains(&"std::time::Instant".to_owned()));
}

#[test]
fn test_items_are_marked_and_counted() {
    let file = read("fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\n#[test]\nfn c() {}\n");
    let marks: Vec<(&str, bool)> = file
        .functions
        .iter()
        .map(|function| (function.name.as_str(), function.in_test))
        .collect();
    assert_eq!(marks, [("a", false), ("b", true), ("c", true)]);
    assert_eq!(file.test_lines, 6);
    assert_eq!(file.inline_tests, [("tests".to_owned(), 3)]);
    assert!(
        file.tokens
            .iter()
            .find(|token| token.text == "b")
            .unwrap()
            .in_test
    );
}

#[test]
fn a_cfg_that_production_can_meet_is_not_test_code() {
    let file =
        read("#[cfg(any(test, feature = \"x\"))]\nfn a() {}\n#[cfg(all(test, unix))]\nfn b() {}");
    assert_eq!(
        file.functions.iter().map(|f| f.in_test).collect::<Vec<_>>(),
        [false, true]
    );
}

#[test]
fn function_lengths_run_from_fn_to_the_brace() {
    let file = read("/// Doc.\n#[inline]\nfn a() {\n\n}\ntrait T { fn b(); fn c() {\n} }");
    let lengths: Vec<(&str, usize)> = file
        .functions
        .iter()
        .map(|function| (function.name.as_str(), function.lines))
        .collect();
    assert_eq!(lengths, [("a", 3), ("c", 2)]);
}

#[test]
fn declared_modules_have_their_surroundings_and_path() {
    let file = read("mod a;\nmod b { mod c; }\n#[path = \"e.rs\"]\nmod d;");
    let declared: Vec<(Vec<String>, Option<String>)> = file
        .modules
        .iter()
        .map(|module| (module.names.clone(), module.path.clone()))
        .collect();
    let names = |list: &[&str]| {
        list.iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        declared,
        [
            (names(&["a"]), None),
            (names(&["b", "c"]), None),
            (names(&["d"]), Some("e.rs".to_owned()))
        ]
    );
}

#[test]
fn roles_come_from_paths() {
    let cases = [
        ("crates/carril/src/lib.rs", Role::Production),
        ("crates/carril/src/load/tests.rs", Role::Test),
        ("crates/carril/tests/it/main.rs", Role::Test),
        ("crates/carril-testkit/src/lib.rs", Role::Support),
        ("crates/carril-testkit/examples/bench-x.rs", Role::Support),
        ("crates/xtask/src/main.rs", Role::Support),
        ("examples/funds/src/main.rs", Role::Production),
        ("examples/funds/tests/it/main.rs", Role::Test),
    ];
    for (path, expected) in cases {
        assert_eq!(role(path), expected, "{path}");
    }
}

#[test]
fn text_that_is_not_rust_is_told() {
    assert!(RustFile::parse("x.rs", "fn {").is_err());
}
