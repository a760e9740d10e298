//! The targets that a pipeline names: which, where it names them, and what to say of one that nobody said where it is.
//!
//! Nothing is asked here; that a target answers is for the check itself.

use carril_model::definition::{Action, Definition, Entities, Workspace};
use carril_model::finding::{Finding, Severity};
use carril_model::load;
use std::collections::{BTreeMap, BTreeSet};

/// Every target that a pipeline names, in order of name.
pub(crate) fn target_names(definition: &Definition) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if let Entities::Query { target, .. } = &definition.entities {
        names.insert(target.clone());
    }
    names.extend(
        definition
            .workspace
            .iter()
            .map(|workspace| workspace.target.clone()),
    );
    for step in definition.stages.iter().flat_map(|stage| &stage.steps) {
        if let Action::Sql { target, .. } = &step.action {
            names.insert(target.clone());
        }
    }
    names
}

/// A target that nobody said where it is: a note, as the files may be all there is to check; an error where it is but a
/// slip away from one that somebody did say.
pub(super) fn unknown_target(
    definition: &Definition,
    name: &str,
    urls: &BTreeMap<String, String>,
) -> Finding {
    let own = target_names(definition);
    let others = urls
        .keys()
        .map(String::as_str)
        .filter(|known| !own.contains(*known));
    let similar = load::suggestion(name, others).filter(|help| help.starts_with("did you mean"));
    let otherwise = format!("give `--target {name}=sqlite:PATH`, or name it in carril.toml");
    if let Some(similar) = similar {
        let message = format!("nobody said where target `{name}` is");
        return Finding::error("CAR0128", message).help(format!("{similar} Else {otherwise}"));
    }
    let note = Finding {
        severity: Severity::Note,
        ..Finding::error(
            "CAR0410",
            format!("target `{name}` was not asked: nobody said where it is"),
        )
    };
    note.help(format!(
        "{otherwise}, to have SQL, tables and columns checked too"
    ))
}

/// Where a target is named first.
pub(super) fn target_path(definition: &Definition, name: &str) -> Option<String> {
    if matches!(&definition.entities, Entities::Query { target, .. } if target == name) {
        return Some("entities/target".to_owned());
    }
    let of_workspace = |workspace: &Workspace| workspace.target == name;
    if definition.workspace.as_ref().is_some_and(of_workspace) {
        return Some("workspace/target".to_owned());
    }
    let stages = definition.stages.iter().enumerate();
    let mut steps = stages.flat_map(|(stage_at, stage)| {
        let steps = stage.steps.iter().enumerate();
        steps.map(move |(step_at, step)| (stage_at, step_at, step))
    });
    steps.find_map(|(stage_at, step_at, step)| match &step.action {
        Action::Sql { target, .. } if target == name => {
            Some(format!("stage/{stage_at}/step/{step_at}/target"))
        }
        _ => None,
    })
}
