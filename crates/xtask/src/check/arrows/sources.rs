//! The arrows that cargo cannot see: calls that only declared modules may make, and SQL text where none belongs.
//!
//! Clippy refuses the same calls by type; this looks at the words, so that an `#[expect]` in the wrong module does
//! not get through, and code that clippy does not build is seen too.

use super::rules::{CALLS, Call, WITHOUT_SQL};
use crate::finding::Finding;
use crate::source::{Kind, PathUse, Role, RustFile, Token};

#[cfg(test)]
mod tests;

/// Only declared modules spawn, ask the time or read the environment.
pub(super) fn calls(file: &RustFile) -> Vec<Finding> {
    if file.role != Role::Production {
        return Vec::new();
    }
    let mut found: Vec<Finding> = Vec::new();
    for call in CALLS.iter().filter(|call| binds(call, file)) {
        for path in file
            .paths
            .iter()
            .filter(|path| !path.in_test && makes(call, path))
        {
            let name = path.segments.join("::");
            found.push(told(call, file, path.line, &name));
        }
        for (name, line) in methods(&file.tokens) {
            if call.ends.contains(&name) {
                found.push(told(call, file, line, name));
            }
        }
    }
    found.extend(expectations(file));
    found.sort_by_key(|finding| finding.line);
    found.dedup_by(|left, right| (left.rule, left.line) == (right.rule, right.line));
    found
}

/// A crate without a database of its own has no SQL text.
pub(super) fn sql(file: &RustFile) -> Vec<Finding> {
    if file.role != Role::Production || !WITHOUT_SQL.contains(&file.package()) {
        return Vec::new();
    }
    let is_sql =
        |token: &&Token| token.kind == Kind::Text && !token.in_test && looks_like_sql(&token.text);
    let told = |token: &Token| {
        Finding::error(
            "arrows/sql",
            &file.path,
            format!(
                "there is SQL text: \"{}\"",
                token.text.chars().take(40).collect::<String>()
            ),
            "a verb of the `Store` contract, and the SQL in a file of the backend",
        )
        .at(token.line)
    };
    file.tokens.iter().filter(is_sql).map(told).collect()
}

/// Tells whether a file is under a rule.
fn binds(call: &Call, file: &RustFile) -> bool {
    let package = call.packages.contains(&"*") || call.packages.contains(&file.package());
    package
        && !call
            .declared
            .iter()
            .any(|declared| is_of_module(&file.path, declared))
}

/// Tells whether `path` is the file of a module, or in the folder of its own modules.
fn is_of_module(path: &str, module: &str) -> bool {
    let folder = module.trim_end_matches(".rs");
    path == module
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}

fn makes(call: &Call, path: &PathUse) -> bool {
    let written = path.segments.join("::");
    let starts = |start: &&str| written == **start || written.starts_with(&format!("{start}::"));
    let ends = |end: &&str| written == **end || written.ends_with(&format!("::{end}"));
    !call.harmless.iter().any(&starts)
        && (call.starts.iter().any(starts) || call.ends.iter().any(ends))
}

/// Returns the method calls outside tests, `.name(`.
fn methods(tokens: &[Token]) -> impl Iterator<Item = (&str, usize)> {
    tokens.windows(3).filter_map(|three| {
        let called = three[0].text == "." && three[1].kind == Kind::Word && three[2].text == "(";
        (called && !three[1].in_test).then_some((three[1].text.as_str(), three[1].line))
    })
}

/// A module that expects a refused call must be a declared one; `main` may read the environment, and so may build scripts, to
/// which cargo tells everything by it.
fn expectations(file: &RustFile) -> Vec<Finding> {
    let declared = CALLS
        .iter()
        .flat_map(|call| call.declared)
        .any(|module| is_of_module(&file.path, module));
    let starts = ["/main.rs", "/build.rs"];
    if declared || starts.iter().any(|start| file.path.ends_with(start)) {
        return Vec::new();
    }
    let is_expectation = |token: &&Token| token.text == "disallowed_methods" && !token.in_test;
    let told = |token: &Token| {
        Finding::error(
            "arrows/expectation",
            &file.path,
            "this module is not declared, and expects a call that clippy.toml refuses",
            "call what clippy.toml says instead; declared modules are listed in \
             crates/xtask/src/check/arrows/rules.rs",
        )
        .at(token.line)
    };
    file.tokens
        .iter()
        .filter(is_expectation)
        .map(told)
        .collect()
}

fn told(call: &Call, file: &RustFile, line: usize, name: &str) -> Finding {
    let wrong = format!("`{name}` stands in a module that is not declared for it");
    Finding::error(call.rule, &file.path, wrong, call.right).at(line)
}

fn looks_like_sql(text: &str) -> bool {
    let text = text.trim_start().to_lowercase();
    let begins = |start: &str| text.starts_with(start);
    begins("select ") && text.contains(" from ")
        || begins("update ") && text.contains(" set ") && text.contains('=')
        || begins("insert into ")
        || begins("delete from ")
        || begins("create table ")
        || begins("pragma ")
}
