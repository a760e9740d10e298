//! Calls and SQL in the wrong module, on small files.

use super::*;

/// Checks which rules a file at `path` breaks, with their lines.
#[track_caller]
fn check(path: &str, text: &str, expected: &[(&str, usize)]) {
    let file = RustFile::parse(path, text).unwrap();
    let mut found = calls(&file);
    found.extend(sql(&file));
    let found: Vec<(&str, usize)> = found
        .iter()
        .map(|finding| (finding.rule, finding.line.unwrap()))
        .collect();
    assert_eq!(found, expected, "{path}");
}

#[test]
fn libraries_do_not_read_the_environment() {
    let text = "use std::env;\nfn a() { std::env::var(\"X\"); let o = std::env::consts::OS; }";
    let both = [("arrows/environment", 1), ("arrows/environment", 2)];
    check("crates/carril/src/open.rs", text, &both);
    check("crates/carril-cli/src/environment.rs", text, &[]);
    check("crates/carril/src/open/tests.rs", text, &[]);
    check("crates/carril-testkit/src/lib.rs", text, &[]);
}

#[test]
fn libraries_do_not_look_at_the_terminal() {
    let text = "fn a() {\n std::io::stdout().is_terminal(); }";
    check(
        "crates/carril/src/open.rs",
        text,
        &[("arrows/environment", 2)],
    );
}

#[test]
fn only_declared_modules_spawn() {
    let text = "fn a() { tokio::spawn(b()); }\nfn b() { handle.spawn_blocking(|| 1); }";
    let both = [("arrows/spawn", 1), ("arrows/spawn", 2)];
    check("crates/carril-engine/src/lane.rs", text, &both);
    check("crates/carril-cli/src/run.rs", text, &both);
    check("crates/carril-engine/src/task.rs", text, &[]);
    check("crates/carril-engine/src/task/kind.rs", text, &[]);
    check("crates/carril-engine/src/tasks.rs", text, &both);
}

#[test]
fn a_spawn_inside_a_macro_or_behind_a_use_is_seen() {
    let text = "use tokio::task::JoinSet;\nfn a() { select! { x = thread::spawn(b) => {} } }";
    let both = [("arrows/spawn", 1), ("arrows/spawn", 2)];
    check("crates/carril-engine/src/lane.rs", text, &both);
}

#[test]
fn only_the_clock_asks_the_time() {
    let text = "fn a() { Instant::now(); }\n#[cfg(test)]\nfn b() { std::time::SystemTime::now(); }";
    check(
        "crates/carril-sqlite/src/store.rs",
        text,
        &[("arrows/clock", 1)],
    );
    check("crates/carril-engine/src/clock.rs", text, &[]);
}

#[test]
fn the_model_touches_nothing() {
    let text = "fn a() { std::fs::read(\"x\"); }";
    check(
        "crates/carril-model/src/load.rs",
        text,
        &[("arrows/model", 1)],
    );
    check("crates/carril/src/load.rs", text, &[]);
}

#[test]
fn words_in_comments_and_strings_are_not_calls() {
    let text = "/// See tokio::spawn.\nfn a() { b(\"std::env::var\"); } // Instant::now()";
    check("crates/carril-model/src/load.rs", text, &[]);
}

#[test]
fn an_expectation_stands_in_declared_modules_only() {
    let text = "#[expect(clippy::disallowed_methods, reason = \"x\")]\nfn a() {}";
    check(
        "crates/carril-engine/src/lane.rs",
        text,
        &[("arrows/expectation", 1)],
    );
    check("crates/carril-engine/src/clock.rs", text, &[]);
    check("crates/carril-cli/src/main.rs", text, &[]);
    check("crates/carril-cli/build.rs", text, &[]);
}

#[test]
fn the_engine_has_no_sql() {
    let text = "fn a() { b(\"select id from executions\");\n c(\"Update x set y = 1\"); }";
    let both = [("arrows/sql", 1), ("arrows/sql", 2)];
    check("crates/carril-engine/src/x.rs", text, &both);
    check("crates/carril-sqlite/src/x.rs", text, &[]);
    let text = "fn a() { b(\"selected from the list\"); c(\"update the lane\"); }";
    check("crates/carril-engine/src/x.rs", text, &[]);
}
