//! The map and the papers of the house: ARCHITECTURE.md names every crate and no other, and nothing is missing.
//!
//! Maps that nobody checks lie. What stands in them beyond the names of crates is for readers to judge.

use crate::finding::Finding;
use crate::tree::Tree;
use crate::workspace::Workspace;

#[cfg(test)]
mod tests;

const MAP: &str = "ARCHITECTURE.md";

/// What must exist, and what for.
const PAPERS: &[(&str, &str)] = &[
    ("README.md", "what Carril is, and the first two commands"),
    (
        MAP,
        "the map: every crate, the promises, what is deliberately absent",
    ),
    ("CHANGELOG.md", "what changed for users"),
    ("CONTRIBUTING.md", "the commands and the rules"),
    ("LICENSE-MIT", "the licence text"),
    ("LICENSE-APACHE", "the licence text"),
    ("Cargo.lock", "the versions that were tested"),
    ("clippy.toml", "the refused calls"),
    ("deny.toml", "the dependency policy"),
    ("rustfmt.toml", "the format"),
    (".ci/run", "what CI runs"),
    (".config/nextest.toml", "how the tests run"),
];

/// Tells missing papers, crates that are not on the map, and map entries that do not exist.
pub(super) fn check(tree: &Tree, workspace: &Workspace) -> Vec<Finding> {
    let mut found: Vec<Finding> = PAPERS
        .iter()
        .filter(|(path, _)| !tree.has(path))
        .map(|(path, what)| {
            let right = format!("a file that holds {what}");
            Finding::error("tidy/missing", *path, "there is no such file", right)
        })
        .collect();
    if let Some(map) = tree.file(MAP) {
        found.extend(unmapped(&map.text, workspace));
        found.extend(invented(&map.text, tree));
    }
    found
}

fn unmapped(map: &str, workspace: &Workspace) -> Vec<Finding> {
    let is_named = |name: &str| {
        map.split(|letter: char| !letter.is_alphanumeric() && !"-_".contains(letter))
            .any(|word| word == name)
    };
    let told = |name: &str| {
        let wrong = format!("the crate `{name}` is not on the map");
        Finding::error(
            "tidy/map",
            MAP,
            wrong,
            "a line that says what it is for, and what it never does",
        )
    };
    let names = workspace.crates.iter().map(|ours| ours.name.as_str());
    names.filter(|name| !is_named(name)).map(told).collect()
}

fn invented(map: &str, tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, line) in map.lines().enumerate() {
        for (place, _) in line.match_indices("crates/") {
            let path: String = line[place..]
                .chars()
                .take_while(|letter| letter.is_alphanumeric() || "-_/.".contains(*letter))
                .collect();
            let path = path.trim_end_matches(['/', '.']);
            if !tree.has(path) {
                let wrong = format!("the map names `{path}`, which does not exist");
                let right = "the place where it is now; plans are named without a path";
                found.push(Finding::error("tidy/map", MAP, wrong, right).at(index + 1));
            }
        }
    }
    found
}
