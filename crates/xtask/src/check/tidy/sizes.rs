//! How long files and functions may be: a habit, which is told, and a wall, which fails.
//!
//! Tests are apart: their files have no limit, and test items do not count towards the file they stand in.

use crate::finding::Finding;
use crate::source::{Role, RustFile};
use crate::tree::TextFile;

#[cfg(test)]
mod tests;

/// Lines of a file.
const FILE: Limits = Limits {
    habit: 500,
    wall: 800,
};
/// Lines of a function, from `fn` to the last brace.
const FUNCTION: Limits = Limits {
    habit: 50,
    wall: 70,
};

struct Limits {
    habit: usize,
    wall: usize,
}

/// Tells long files and functions of Rust.
pub(super) fn check(file: &RustFile) -> Vec<Finding> {
    if file.role == Role::Test {
        return Vec::new();
    }
    let mut found = Vec::new();
    found.extend(file_length(
        &file.path,
        file.lines.saturating_sub(file.test_lines),
    ));
    for function in file.functions.iter().filter(|function| !function.in_test) {
        let what = format!("the function `{}`", function.name);
        let right = "helpers that do straight work, and one function that branches";
        let finding = judged(
            "tidy/function-length",
            &file.path,
            &what,
            function.lines,
            &FUNCTION,
            right,
        );
        found.extend(finding.map(|finding| finding.at(function.line)));
    }
    found
}

/// Tells long files of the console, which are code too.
pub(super) fn assets(file: &TextFile) -> Option<Finding> {
    let is_code = ["js", "mjs", "ts", "tsx", "css", "html"]
        .iter()
        .any(|ending| file.path.ends_with(&format!(".{ending}")));
    let is_made = file.path.ends_with(".d.ts");
    if is_code && !is_made {
        file_length(&file.path, file.text.lines().count())
    } else {
        None
    }
}

fn file_length(path: &str, lines: usize) -> Option<Finding> {
    judged(
        "tidy/file-length",
        path,
        "the file",
        lines,
        &FILE,
        "split it by noun, tests apart",
    )
}

fn judged(
    rule: &'static str,
    path: &str,
    what: &str,
    lines: usize,
    limits: &Limits,
    right: &str,
) -> Option<Finding> {
    let Limits { habit, wall } = limits;
    if lines > *wall {
        let wrong = format!("{what} has {lines} lines; the wall is {wall}");
        Some(Finding::error(rule, path, wrong, right))
    } else if lines > *habit {
        let wrong = format!("{what} has {lines} lines; the habit is {habit}");
        Some(Finding::error(rule, path, wrong, right).into_warning())
    } else {
        None
    }
}
