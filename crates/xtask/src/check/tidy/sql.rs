//! The SQL files of the store crates: each opens with what it is for, each is used, and the stores have the same.
//!
//! One query, one file. With the same file names in every store, a plain comparison of two folders shows how the
//! databases differ. What the SQL says is the conformance suite's affair.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::source::{Kind, RustFile, package};
use crate::tree::{TextFile, Tree, file_name};

#[cfg(test)]
mod tests;

/// The crates with a store, and the folder with its files.
const STORES: &[(&str, &str)] = &[
    ("carril-sqlite", "crates/carril-sqlite/src/"),
    ("carril-postgres", "crates/carril-postgres/src/"),
];

/// Files that one store has alone, by their end, with the reason.
const ALONE: &[(&str, &str)] = &[];

/// Tells files without an opening, unused files, and files without a twin.
pub(super) fn check(tree: &Tree, files: &[RustFile]) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree
        .ending("sql")
        .filter(|file| file.path.starts_with("crates/"))
    {
        found.extend(opening(file));
        found.extend(unused(file, files));
    }
    found.extend(twins(tree, ALONE));
    found
}

fn opening(file: &TextFile) -> Option<Finding> {
    if file.text.starts_with("-- ") {
        return None;
    }
    let wrong = "the first line is not a comment";
    let right = "`-- ` what it is for, the parameters with their units, the index it relies on";
    Some(Finding::error("tidy/sql-opening", &file.path, wrong, right).at(1))
}

/// A file is used when a string of its crate ends with its name, or is its name without the ending.
fn unused(file: &TextFile, sources: &[RustFile]) -> Option<Finding> {
    let name = file_name(&file.path);
    let stem = name.trim_end_matches(".sql");
    let crate_of_file = package(&file.path);
    let mut texts = sources
        .iter()
        .filter(|source| source.package() == crate_of_file)
        .flat_map(|source| &source.tokens)
        .filter(|token| token.kind == Kind::Text);
    if texts.any(|token| matches!(file_name(&token.text), found if found == name || found == stem))
    {
        return None;
    }
    let wrong = "no code of its crate names this file";
    let right = "`include_str!` with its path, or no such file";
    Some(Finding::error("tidy/sql-unused", &file.path, wrong, right))
}

/// Two stores have the same files, those in `alone` excepted.
fn twins(tree: &Tree, alone: &[(&str, &str)]) -> Vec<Finding> {
    let of = |folder: &str| -> BTreeSet<String> {
        let inside = |file: &TextFile| file.path.strip_prefix(folder).map(str::to_owned);
        tree.ending("sql").filter_map(inside).collect()
    };
    let stores: Vec<(&str, BTreeSet<String>)> = STORES
        .iter()
        .filter(|(_, folder)| tree.has(folder.trim_end_matches('/')))
        .map(|(_, folder)| (*folder, of(folder)))
        .collect();
    let mut found = Vec::new();
    for (folder, names) in &stores {
        for (other, others) in stores.iter().filter(|(other, _)| other != folder) {
            for name in names.difference(others) {
                if !alone.iter().any(|(end, _)| name.ends_with(end)) {
                    let wrong = format!("`{other}` has no file of this name");
                    let right = "the same query for the other store, or a line with the reason in ALONE \
                                 in crates/xtask/src/check/tidy/sql.rs";
                    let path = format!("{folder}{name}");
                    found.push(Finding::error("tidy/sql-twin", path, wrong, right));
                }
            }
        }
    }
    found
}
