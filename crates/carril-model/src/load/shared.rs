//! The shared-rows decision: which steps of lanes write tables that all lanes share.
//!
//! That is how lanes deadlock, overwrite and lose each other's rows, so it is an error unless the step says that it means
//! it. What a step writes is told by its target; where none can be asked, its words are all there is.

use super::places::Places;
use super::similar::nearest;
use crate::contract::{Access, Inspection};
use crate::definition::{Action, Scope, SqlText, Step};
use crate::finding::{Finding, Severity};
use crate::id::StepId;
use crate::plan::Plan;
use crate::sql::Script;
use std::collections::BTreeSet;

/// Judges what the targets told about the SQL steps of a plan. Steps without an inspection are not judged.
///
/// `CAR0301`, an error: a step of a lane writes a table that every lane shares. `CAR0302`, a note: a statement that nobody
/// can see into. `CAR0309`, a warning: `shared_writes` names a table that the step does not write.
#[must_use]
pub fn shared_rows(
    plan: &Plan,
    places: &Places,
    inspections: &[(StepId, Inspection)],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, inspection) in inspections {
        let step = plan.step(*id);
        let Action::Sql { sql, .. } = &step.action else {
            continue;
        };
        let workspace = plan.definition().workspace.as_ref();
        let judged = Judged {
            step,
            own: workspace.map_or(&[], |workspace| workspace.tables.as_slice()),
            sql,
            path: path_of(plan, *id),
            places,
        };
        if plan.stage_of(*id).per == Scope::Entity {
            findings.extend(judged.shared(inspection));
        } else if reads_shared_only(plan, step) {
            findings.extend(judged.not_its_own(inspection));
        }
        findings.extend(judged.not_seen(inspection));
        findings.extend(judged.not_written(inspection));
    }
    findings
}

/// What the words of SQL tell, where no target can be asked: the tables that it seems to write, and what cannot be seen.
/// `own` lists the tables that each execution has to itself.
#[must_use]
pub fn static_inspection(sql: &SqlText, own: &[String]) -> Inspection {
    let script = match Script::parse(&sql.text) {
        Ok(script) => script,
        Err(error) => {
            return Inspection {
                not_seen: vec![(error.offset, error.message)],
                ..Inspection::default()
            };
        }
    };
    let mut inspection = Inspection::default();
    for statement in script.statements() {
        for written in script.written_tables(statement) {
            let own = own
                .iter()
                .any(|table| table.eq_ignore_ascii_case(&written.table));
            inspection.accesses.push(Access {
                table: written.table,
                writes: true,
                own,
                through: None,
                offset: written.offset,
            });
        }
        if let Some(word) = script.dynamic_word(statement) {
            inspection.not_seen.push((
                statement.range.start,
                format!(
                    "what `{}` does cannot be told from its words",
                    word.to_uppercase()
                ),
            ));
        }
    }
    inspection
}

/// Whether a step runs in its process's own workspace, beside which the shared tables can only be read.
fn reads_shared_only(plan: &Plan, step: &Step) -> bool {
    let workspace = plan.definition().workspace.as_ref();
    let Action::Sql { target, .. } = &step.action else {
        return false;
    };
    workspace.is_some_and(|workspace| workspace.target == *target) && step.shared_writes.is_empty()
}

struct Judged<'a> {
    step: &'a Step,
    /// The tables that each execution has to itself.
    own: &'a [String],
    sql: &'a SqlText,
    path: String,
    places: &'a Places,
}

impl Judged<'_> {
    fn shared(&self, inspection: &Inspection) -> Vec<Finding> {
        let shared = self.shared_writes(inspection);
        shared.map(|access| self.shared_finding(access)).collect()
    }

    fn not_its_own(&self, inspection: &Inspection) -> Vec<Finding> {
        let shared = self.shared_writes(inspection);
        let finding = |access: &Access| {
            let table = &access.table;
            let message = format!(
                "`{}` writes `{table}`, which is not in the workspace and can only be read there",
                self.step.name
            );
            let help = format!(
                "say `shared_writes = [\"{table}\"]` in this step to write it itself, or put it into `[workspace] tables` and publish it with `per = \"process\"`, which a rollback takes back"
            );
            let end = self.word_end(access.offset);
            Finding::error("CAR0301", message)
                .help(help)
                .maybe_at(self.places.sql(&self.path, self.sql, access.offset..end))
        };
        shared.map(finding).collect()
    }

    /// Writes to tables that are neither the execution's own nor named by the step; one for each table.
    fn shared_writes<'a>(
        &'a self,
        inspection: &'a Inspection,
    ) -> impl Iterator<Item = &'a Access> + 'a {
        let mut told = BTreeSet::new();
        inspection
            .accesses
            .iter()
            .filter(|access| access.writes && !access.own && !self.names(&access.table))
            .filter(move |access| told.insert(access.table.to_lowercase()))
    }

    fn shared_finding(&self, access: &Access) -> Finding {
        let table = &access.table;
        let through = access
            .through
            .as_ref()
            .map_or_else(String::new, |through| format!(" (through `{through}`)"));
        let message = format!(
            "every lane that runs `{}` writes `{table}`{through}, which all lanes share",
            self.step.name
        );
        let similar = nearest(table, self.own.iter().map(String::as_str))
            .map_or_else(String::new, |own| {
                format!("did you mean `{own}` of the workspace? Else ")
            });
        let help = format!(
            "{similar}put `{table}` into `[workspace] tables`, so that each lane has its own, and publish what should be seen; or, if lanes really write apart, say `shared_writes = [\"{table}\"]` in this step"
        );
        let end = self.word_end(access.offset);
        Finding::error("CAR0301", message)
            .help(help)
            .maybe_at(self.places.sql(&self.path, self.sql, access.offset..end))
    }

    fn not_seen(&self, inspection: &Inspection) -> Vec<Finding> {
        let notes = inspection.not_seen.iter().map(|(offset, why)| {
            let finding = Finding {
                severity: Severity::Note,
                ..Finding::error("CAR0302", format!("not checked for shared rows: {why}"))
            };
            let range = *offset..self.word_end(*offset);
            finding
                .help("see for yourself that lanes do not write the same rows there")
                .maybe_at(self.places.sql(&self.path, self.sql, range))
        });
        notes.collect()
    }

    /// Tables that the step says it shares, but does not write; only told if everything could be seen.
    fn not_written(&self, inspection: &Inspection) -> Vec<Finding> {
        if !inspection.not_seen.is_empty() {
            return Vec::new();
        }
        let written = || {
            inspection
                .accesses
                .iter()
                .filter(|access| access.writes)
                .map(|access| access.table.as_str())
        };
        let step_path = self.path.trim_end_matches("/sql");
        let unused = self
            .step
            .shared_writes
            .iter()
            .enumerate()
            .filter(|(_, table)| !written().any(|other| other.eq_ignore_ascii_case(table)));
        let findings = unused.map(|(at, table)| {
            let help = nearest(table, written()).map_or_else(
                || "leave it out".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            let finding = Finding::warning(
                "CAR0309",
                format!("`{}` does not write `{table}`", self.step.name),
            );
            finding
                .help(help)
                .maybe_at(self.places.at(&format!("{step_path}/shared_writes/{at}")))
        });
        findings.collect()
    }

    fn names(&self, table: &str) -> bool {
        self.step
            .shared_writes
            .iter()
            .any(|shared| shared.eq_ignore_ascii_case(table))
    }

    /// The end of the word at an offset, so that the caret underlines it.
    fn word_end(&self, offset: usize) -> usize {
        let rest = self.sql.text.get(offset..).unwrap_or_default();
        offset
            + rest
                .find(|character: char| {
                    !character.is_alphanumeric() && !matches!(character, '_' | '.')
                })
                .unwrap_or(rest.len())
                .max(1)
    }
}

/// Where the step's SQL is in the definition as written, which has no stages that publish.
fn path_of(plan: &Plan, id: StepId) -> String {
    let planned = plan.planned(id);
    let stages = &plan.definition().stages[..planned.stage];
    let made = stages
        .iter()
        .filter(|stage| {
            stage
                .steps
                .iter()
                .any(|step| matches!(step.action, Action::Publish { .. }))
        })
        .count();
    format!(
        "stage/{}/step/{}/sql",
        planned.stage - made,
        planned.position
    )
}

#[cfg(test)]
mod tests;
