//! Error codes and their pages: every `CARnnnn` of the code has a page, and every page a code.
//!
//! A code is looked for in the strings of production code; what a page says is for readers to judge.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::source::{Kind, Role, RustFile};
use crate::tree::{Tree, file_name};

#[cfg(test)]
mod tests;

const PAGES: &str = "docs/errors/";
const PREFIX: &str = "CAR";
const DIGITS: usize = 4;

/// Tells codes without a page and pages without a code.
pub(super) fn check(tree: &Tree, files: &[RustFile]) -> Vec<Finding> {
    let used = used(files);
    let mut found = Vec::new();
    for (code, (path, line)) in &used {
        if !tree.has(&page(code)) {
            let wrong = format!("the code {code} has no page");
            let right = format!("{}: what happened, and what to do", page(code));
            found.push(Finding::error("tidy/error-page", *path, wrong, right).at(*line));
        }
    }
    for file in tree
        .ending("md")
        .filter(|file| file.path.starts_with(PAGES))
    {
        let name = file_name(&file.path).trim_end_matches(".md");
        if codes_in(name) != [name] {
            continue;
        }
        let title = file.text.lines().next().unwrap_or("");
        if !used.contains_key(name) {
            let wrong = format!("no code says {name}");
            let right = "a page goes when its error goes; codes are never given out twice";
            found.push(Finding::error("tidy/error-page", &file.path, wrong, right));
        } else if !title.starts_with(&format!("# {name}")) {
            let wrong = "the title does not begin with the code";
            let right = format!("the first line is `# {name}: …`");
            found.push(Finding::error("tidy/error-page", &file.path, wrong, right).at(1));
        }
    }
    found
}

/// Returns every code of the production code, with the first place where it stands.
fn used(files: &[RustFile]) -> BTreeMap<String, (&str, usize)> {
    let mut used = BTreeMap::new();
    for file in files.iter().filter(|file| file.role == Role::Production) {
        let texts = file.tokens.iter().filter(|token| !token.in_test);
        for token in texts.filter(|token| matches!(token.kind, Kind::Text | Kind::Word)) {
            for code in codes_in(&token.text) {
                used.entry(code.to_owned())
                    .or_insert((file.path.as_str(), token.line));
            }
        }
    }
    used
}

/// Returns the codes that stand in a text, as whole words.
fn codes_in(text: &str) -> Vec<&str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| {
            word.strip_prefix(PREFIX).is_some_and(|digits| {
                digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit())
            })
        })
        .collect()
}

fn page(code: &str) -> String {
    format!("{PAGES}{code}.md")
}
