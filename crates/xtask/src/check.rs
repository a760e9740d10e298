//! `cargo xtask check`: runs every part, tells every fault, and fails when there is one.
//!
//! The parts look and never stop one another: a formatting fault does not hide a broken arrow. Each part returns
//! findings; the exceptions are taken out in one place, `exceptions`, and one that is no longer used is a fault too.

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;

use crate::finding::{Finding, Weight};
use crate::source::RustFile;
use crate::tree::Tree;
use crate::workspace::Workspace;

mod arrows;
mod cargo;
mod console;
mod exceptions;
mod links;
mod policy;
mod tidy;

/// A part of the check, which can also be run alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Formatting, by `cargo fmt`.
    Fmt,
    /// Which crate may use which, and who may ask the time, spawn, or read the environment.
    Arrows,
    /// Sizes, opening paragraphs, forbidden words, forgotten files, the map, error pages, SQL files.
    Tidy,
    /// Relative links in the documents, and `cargo doc`.
    Docs,
    /// The console's built files: small, and what its sources build.
    Console,
    /// Licences, sources and versions of the dependencies.
    Policy,
    /// Lints, by `cargo clippy`.
    Clippy,
}

/// Everything a part may look at.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) tree: Tree,
    pub(crate) rust: Vec<RustFile>,
    pub(crate) workspace: Workspace,
}

/// Runs `parts`, all when none is named; with `fix`, mends first what a tool can mend.
///
/// Returns whether the house is in order.
///
/// # Errors
///
/// When the repository or the workspace cannot be read at all.
pub(crate) fn run(root: &Path, parts: &[Part], fix: bool) -> Result<bool> {
    let parts = if parts.is_empty() {
        Part::value_variants()
    } else {
        parts
    };
    if fix {
        cargo::fix(root)?;
    }
    let tree = Tree::read(root)?;
    let (rust, mut findings) = read_rust(&tree);
    let workspace = Workspace::read(root)?;
    let house = House {
        tree,
        rust,
        workspace,
    };

    for part in parts {
        eprintln!("check: {}", name(*part));
        findings.extend(match part {
            Part::Fmt => cargo::fmt(root)?,
            Part::Clippy => cargo::clippy(root)?,
            Part::Arrows => arrows::check(&house),
            Part::Tidy => tidy::check(&house),
            Part::Docs => {
                let mut found = links::check(&house.tree);
                found.extend(cargo::doc(root)?);
                found
            }
            Part::Console => console::check(root, &house.tree)?,
            Part::Policy => {
                let mut found = policy::check(&house);
                found.extend(cargo::deny(root)?);
                found
            }
        });
    }
    let whole = parts.len() == Part::value_variants().len();
    Ok(report(exceptions::apply(
        findings,
        exceptions::GRANTED,
        whole,
    )))
}

/// Reads every Rust file; one that cannot be read is a finding.
fn read_rust(tree: &Tree) -> (Vec<RustFile>, Vec<Finding>) {
    let mut read = Vec::new();
    let mut findings = Vec::new();
    for file in tree.ending("rs") {
        match RustFile::parse(&file.path, &file.text) {
            Ok(parsed) => read.push(parsed),
            Err(error) => findings.push(Finding::error(
                "tidy/readable",
                &file.path,
                format!("this is not Rust: {error:#}"),
                "a file that `cargo check` accepts",
            )),
        }
    }
    (read, findings)
}

/// Prints the findings, the errors last so that they are on the screen, and tells whether there was none.
fn report(mut findings: Vec<Finding>) -> bool {
    findings.sort_by(|left, right| {
        (left.weight, &left.path, left.line).cmp(&(right.weight, &right.path, right.line))
    });
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings
        .iter()
        .filter(|finding| finding.weight == Weight::Error)
        .count();
    let warnings = findings.len() - errors;
    println!("check: {errors} errors, {warnings} warnings");
    errors == 0
}

fn name(part: Part) -> String {
    part.to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}
