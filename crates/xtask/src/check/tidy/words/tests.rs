//! Forbidden words and openings, on small files.

use super::*;

const PATH: &str = "crates/carril/src/x.rs";

fn rules(path: &str, text: &str) -> Vec<&'static str> {
    let file = RustFile::parse(path, text).unwrap();
    check(&file).iter().map(|finding| finding.rule).collect()
}

#[test]
fn unfinished_work_is_told() {
    assert_eq!(rules(PATH, "// TODO: more\nfn a() {}"), ["tidy/unfinished"]);
    assert_eq!(rules(PATH, "/// FIXME\nfn a() {}"), ["tidy/unfinished"]);
    assert_eq!(rules(PATH, "fn a() { todo!() }"), ["tidy/unfinished"]);
    assert_eq!(rules(PATH, "fn a() { dbg!(1); }"), ["tidy/unfinished"]);
    assert!(rules(PATH, "// TODOS are none.\nfn a() { b(\"TODO\"); }").is_empty());
}

#[test]
fn silenced_lints_are_told() {
    assert_eq!(
        rules(PATH, "#[allow(dead_code)]\nfn a() {}"),
        ["tidy/allow"]
    );
    assert_eq!(rules(PATH, "#![allow(dead_code)]"), ["tidy/allow"]);
    assert_eq!(
        rules(PATH, "#[cfg_attr(test, allow(dead_code))]\nfn a() {}"),
        ["tidy/allow"]
    );
    assert!(rules(PATH, "#[expect(dead_code)]\nfn a() { x.allow(1); }").is_empty());
}

#[test]
fn tests_do_not_sleep_and_are_not_ignored() {
    let sleeping = "fn a() { std::thread::sleep(d); tokio::time::sleep(d); sleep(d); }";
    let test = "crates/carril/tests/it/a.rs";
    assert_eq!(rules(test, sleeping), ["tidy/sleep"; 3]);
    assert!(rules(PATH, sleeping).is_empty());
    assert!(rules(test, "fn a() { clock.sleep(d); }").is_empty());
    assert_eq!(rules(test, "#[ignore]\nfn a() {}"), ["tidy/ignored-test"]);
    assert_eq!(
        rules(test, "#[ignore = \"x\"]\nfn a() {}"),
        ["tidy/ignored-test"]
    );
}

#[test]
fn test_modules_have_a_file_of_their_own() {
    assert_eq!(
        rules(PATH, "#[cfg(test)]\nmod tests { }"),
        ["tidy/inline-tests"]
    );
    assert!(rules(PATH, "#[cfg(test)]\nmod tests;").is_empty());
}

#[test]
fn a_file_opens_with_what_it_is_for() {
    let wrong = |path: &str, text: &str| opening(&RustFile::parse(path, text).unwrap()).is_some();
    let good = "//! Decides which lane goes next, and nothing else.\nfn a() {}";
    assert!(!wrong(PATH, good));
    assert!(wrong(PATH, "fn a() {}"));
    assert!(wrong(
        PATH,
        "\n//! Decides which lane goes next, and nothing else.\nfn a() {}"
    ));
    assert!(wrong(PATH, "//! The lanes."));
    assert!(wrong(
        PATH,
        "//! decides which lane goes next, and nothing else at all"
    ));
    assert!(!wrong("crates/carril/src/x/tests.rs", "//! The lanes."));
}
