//! Links between the documents: a relative link names a file that exists, and its anchor a heading of that file.
//!
//! Addresses on the web are not followed. Code blocks and code spans hold no links. Headings get their anchors as
//! GitHub makes them, because that is where the documents are read.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;
use crate::tree::{TextFile, Tree, folder, normal};

mod markdown;
#[cfg(test)]
mod tests;

/// Tells every link that leads nowhere.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let anchors: BTreeMap<&str, BTreeSet<String>> = tree
        .ending("md")
        .map(|file| (file.path.as_str(), markdown::anchors(&file.text)))
        .collect();
    let mut found = Vec::new();
    for file in tree.ending("md") {
        for (line, link) in markdown::links(&file.text) {
            if let Some((wrong, right)) = fault(tree, &anchors, file, &link) {
                found.push(Finding::error("docs/link", &file.path, wrong, right).at(line));
            }
        }
    }
    found
}

/// Returns what is wrong with a link, and what would be right.
fn fault(
    tree: &Tree,
    anchors: &BTreeMap<&str, BTreeSet<String>>,
    file: &TextFile,
    link: &str,
) -> Option<(String, &'static str)> {
    let elsewhere = link.contains("://") || link.starts_with("mailto:");
    if elsewhere {
        return None;
    }
    let (path, anchor) = link
        .split_once('#')
        .map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let target = if path.is_empty() {
        Some(file.path.clone())
    } else if path.starts_with('/') {
        let wrong = format!("the link `{link}` begins with `/`");
        return Some((wrong, "a path from the folder of this file"));
    } else {
        normal(&format!("{}/{path}", folder(&file.path)))
    };
    let Some(target) = target.filter(|target| tree.has(target)) else {
        let wrong = format!("the link `{link}` names no file of the repository");
        return Some((
            wrong,
            "a path from the folder of this file to one that exists",
        ));
    };
    let anchor = anchor?;
    let known = anchors.get(target.as_str())?;
    if known.contains(anchor) {
        return None;
    }
    let wrong = format!("the link `{link}` names no heading of `{target}`");
    Some((
        wrong,
        "the heading in lower case, spaces as `-`, other signs left out",
    ))
}
