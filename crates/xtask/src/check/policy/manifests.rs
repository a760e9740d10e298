//! Our own manifests: every version stands once, in the workspace's file, and a member only says that it uses it.
//!
//! So two crates of ours can never want two versions, and one look shows what is depended on.

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::finding::Finding;
use crate::tree::{TextFile, Tree};

#[cfg(test)]
mod tests;

const ROOT: &str = "Cargo.toml";
const KINDS: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];
/// What every member takes over from the workspace.
const SHARED: &[&str] = &[
    "version",
    "edition",
    "rust-version",
    "license",
    "repository",
    "authors",
];

/// Checks all manifests of the repository.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut used = BTreeSet::new();
    for file in tree
        .files
        .iter()
        .filter(|file| file.path.ends_with("/Cargo.toml"))
    {
        match toml::from_str::<Table>(&file.text) {
            Ok(manifest) => {
                found.extend(member(file, &manifest));
                used.extend(
                    dependencies(&manifest)
                        .into_iter()
                        .map(|(name, _)| name.to_owned()),
                );
            }
            Err(error) => {
                let wrong = format!("this is not TOML: {}", error.message());
                found.push(Finding::error(
                    "policy/manifest",
                    &file.path,
                    wrong,
                    "a manifest",
                ));
            }
        }
    }
    if let Some(root) = tree.file(ROOT) {
        found.extend(unused(root, &used));
    }
    found
}

/// Checks one member.
fn member(file: &TextFile, manifest: &Table) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, value) in dependencies(manifest) {
        if !is_from_workspace(value) {
            let wrong = format!("`{name}` has a version, path or source of its own");
            let right =
                format!("`{name}.workspace = true`, and its version in the root's Cargo.toml");
            found.push(Finding::error("policy/version", &file.path, wrong, right));
        }
    }
    for key in SHARED {
        if !manifest
            .get("package")
            .and_then(|package| package.get(key))
            .is_some_and(is_from_workspace)
        {
            let wrong = format!("package.{key} is not the workspace's");
            let right = format!("`{key}.workspace = true`");
            found.push(Finding::error("policy/manifest", &file.path, wrong, right));
        }
    }
    if !manifest.get("lints").is_some_and(is_from_workspace) {
        let wrong = "the lints are not the workspace's";
        found.push(Finding::error(
            "policy/manifest",
            &file.path,
            wrong,
            "[lints] workspace = true",
        ));
    }
    found
}

/// Tells versions of the workspace that no member uses.
fn unused(root: &TextFile, used: &BTreeSet<String>) -> Vec<Finding> {
    let Ok(manifest) = toml::from_str::<Table>(&root.text) else {
        return Vec::new();
    };
    let listed = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"));
    let names = listed
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(Table::keys);
    names
        .filter(|name| !used.contains(*name))
        .map(|name| {
            let wrong = format!("no member uses `{name}`");
            Finding::error(
                "policy/unused",
                ROOT,
                wrong,
                "take it out of [workspace.dependencies]",
            )
        })
        .collect()
}

/// Returns every dependency of a manifest, those for one platform included.
fn dependencies(manifest: &Table) -> Vec<(&str, &Value)> {
    let platforms = manifest.get("target").and_then(Value::as_table);
    let platforms = platforms
        .into_iter()
        .flat_map(Table::values)
        .filter_map(Value::as_table);
    std::iter::once(manifest)
        .chain(platforms)
        .flat_map(|table| KINDS.iter().filter_map(|kind| table.get(*kind)?.as_table()))
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
        .collect()
}

fn is_from_workspace(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}
