//! Forgotten Rust files: one that no `mod` line reaches is never built, and its tests never run.
//!
//! The modules are followed from the first file of each target, as the compiler does it. Integration tests are one
//! program per crate, `tests/it`, so that they link once and run in one list.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;
use crate::source::{Declared, RustFile};
use crate::tree::{file_name, folder, normal};
use crate::workspace::Workspace;

#[cfg(test)]
mod tests;

/// Tells files that are not built, and test programs beside `tests/it`.
pub(super) fn check(files: &[RustFile], workspace: &Workspace) -> Vec<Finding> {
    let roots: Vec<&str> = workspace
        .crates
        .iter()
        .flat_map(|ours| &ours.roots)
        .map(String::as_str)
        .collect();
    let mut found = forgotten(files, &roots);
    for root in roots {
        if root.contains("/tests/") && !root.ends_with("/tests/it/main.rs") {
            found.push(Finding::error(
                "tidy/test-program",
                root,
                "this is a test program of its own",
                "a module of `tests/it/main.rs`: one test program per crate",
            ));
        }
    }
    found
}

/// Tells the files that are not reached from `roots`.
fn forgotten(files: &[RustFile], roots: &[&str]) -> Vec<Finding> {
    let by_path: BTreeMap<&str, &RustFile> = files
        .iter()
        .map(|file| (file.path.as_str(), file))
        .collect();
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let mut waiting: Vec<(String, bool)> = roots
        .iter()
        .map(|root| ((*root).to_owned(), true))
        .collect();
    while let Some((path, is_root)) = waiting.pop() {
        if !reached.insert(path.clone()) {
            continue;
        }
        let Some(file) = by_path.get(path.as_str()) else {
            continue;
        };
        for declared in &file.modules {
            // A file named by a path looks for its own modules beside itself, as a root does.
            let looks_beside = declared.path.is_some();
            waiting.extend(
                candidates(&path, is_root, declared)
                    .into_iter()
                    .map(|path| (path, looks_beside)),
            );
        }
    }
    let told = |file: &&RustFile| {
        Finding::error(
            "tidy/forgotten-file",
            &file.path,
            "no `mod` line reaches this file, so nothing builds it",
            "`mod name;` in the module it belongs to, or no such file",
        )
    };
    files
        .iter()
        .filter(|file| !reached.contains(&file.path))
        .map(|file| told(&file))
        .collect()
}

/// Returns the files that can hold a declared module; only one of them exists.
fn candidates(path: &str, is_root: bool, declared: &Declared) -> Vec<String> {
    let here = folder(path);
    if let Some(named) = &declared.path {
        return normal(&format!("{here}/{named}")).into_iter().collect();
    }
    let own = if is_root || file_name(path) == "mod.rs" {
        here.to_owned()
    } else {
        path.trim_end_matches(".rs").to_owned()
    };
    let stem = format!("{own}/{}", declared.names.join("/"));
    vec![format!("{stem}.rs"), format!("{stem}/mod.rs")]
}
