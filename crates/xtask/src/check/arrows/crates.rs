//! The arrows between crates, from cargo's view of the workspace.
//!
//! Pure comparisons of a `Workspace` with the tables.

use super::rules::{CRATES_MAX, DOORS, EDGES, MODEL_NEVER_REACHES, MODEL_USES};
use crate::finding::Finding;
use crate::workspace::{Crate, Use, Workspace};

#[cfg(test)]
mod tests;

/// Our crates use only those of ours that the table allows.
pub(super) fn edges(workspace: &Workspace) -> Vec<Finding> {
    let mut found = Vec::new();
    for from in &workspace.crates {
        let Some(allowed) = EDGES.iter().find(|edges| edges.from == from.name) else {
            found.push(Finding::error(
                "arrows/crate",
                manifest(from),
                format!("no arrows are declared for the crate `{}`", from.name),
                "a line in EDGES in crates/xtask/src/check/arrows/rules.rs, and a design note that says why",
            ));
            continue;
        };
        for (to, how) in &from.uses {
            let ours = workspace.find(to).is_some();
            let may = allowed.production.contains(&to.as_str())
                || *how == Use::Tests && allowed.tests.contains(&to.as_str());
            if ours && !may {
                found.push(Finding::error(
                    "arrows/edge",
                    manifest(from),
                    format!("`{}` uses `{to}` in its {}", from.name, place(*how)),
                    format!(
                        "`{}` may use {}",
                        from.name,
                        list(allowed.production, allowed.tests)
                    ),
                ));
            }
        }
    }
    found
}

/// Each foreign library is used through its door only.
pub(super) fn doors(workspace: &Workspace) -> Vec<Finding> {
    let mut found = Vec::new();
    for from in &workspace.crates {
        for (library, how) in &from.uses {
            let Some(door) = DOORS.iter().find(|door| door.library == library) else {
                continue;
            };
            let in_tests = door.tests.contains(&from.name.as_str()) || door.tests.contains(&"*");
            let may =
                door.production.contains(&from.name.as_str()) || *how == Use::Tests && in_tests;
            if !may {
                found.push(Finding::error(
                    "arrows/door",
                    manifest(from),
                    format!("`{}` uses `{library}` in its {}", from.name, place(*how)),
                    format!(
                        "the door to `{library}` is {}",
                        list(door.production, door.tests)
                    ),
                ));
            }
        }
    }
    found
}

/// The model uses only libraries that turn text into values, also through others.
pub(super) fn model(workspace: &Workspace) -> Vec<Finding> {
    let Some(model) = workspace.find("carril-model") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, how) in &model.uses {
        if *how == Use::Production && !MODEL_USES.contains(&name.as_str()) {
            found.push(Finding::error(
                "arrows/model-uses",
                manifest(model),
                format!("the model uses `{name}`"),
                format!("the model may use {}", list(MODEL_USES, &[])),
            ));
        }
    }
    let reached = workspace.reached.get("carril-model").into_iter().flatten();
    for name in reached.filter(|name| MODEL_NEVER_REACHES.contains(&name.as_str())) {
        found.push(Finding::error(
            "arrows/model-reaches",
            manifest(model),
            format!("the model pulls in `{name}` through another crate"),
            "a feature turned off, or another library: the model has no runtime, I/O, time or randomness",
        ));
    }
    found
}

/// A crate exists to forbid an arrow, to own a library or to serve its own readers; else it is a module.
pub(super) fn number(workspace: &Workspace) -> Vec<Finding> {
    let counted = |ours: &&Crate| ours.folder.starts_with("crates/") && ours.name != "xtask";
    let number = workspace.crates.iter().filter(counted).count();
    if number <= CRATES_MAX {
        return Vec::new();
    }
    vec![Finding::error(
        "arrows/number",
        "Cargo.toml",
        format!("there are {number} crates"),
        format!(
            "at most {CRATES_MAX}; a crate that forbids no arrow and owns no library is a module"
        ),
    )]
}

fn manifest(ours: &Crate) -> String {
    format!("{}/Cargo.toml", ours.folder)
}

fn place(how: Use) -> &'static str {
    match how {
        Use::Production => "production code",
        Use::Tests => "tests",
    }
}

fn list(production: &[&str], tests: &[&str]) -> String {
    let named = |names: &[&str]| match names {
        [] => "nothing".to_owned(),
        ["*"] => "anything".to_owned(),
        names => names.join(", "),
    };
    match tests {
        [] => named(production),
        tests => format!("{}, and in tests {}", named(production), named(tests)),
    }
}
