//! Checking a pipeline against its targets: what its SQL would touch, which columns its entities really have, whether its
//! tables are there. Nothing is run and nothing is changed.
//!
//! Loading has told what the files themselves get wrong. Here targets are asked and the model judges what they answer; a
//! target that nobody named is not asked, and a note says so. What words alone tell is then taken for what it is worth.

mod named;
mod shared;

pub(crate) use named::target_names;

use crate::targets::Targets;
use carril_model::contract::{Inspection, Target, TargetError};
use carril_model::definition::{Action, Definition, Entities, Publish, SqlText, Step, Workspace};
use carril_model::finding::{Finding, Place, Severity};
use carril_model::id::StepId;
use carril_model::load::{self, Loaded};
use carril_model::plan::Plan;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use named::{target_path, unknown_target};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Everything found, by loading and by asking, in the order of the files.
    pub findings: Vec<Finding>,
    /// Every target that the pipeline names, and whether it was asked.
    pub asked: BTreeMap<String, Asked>,
}

/// Whether a target was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// It was; what it is, for people.
    Answered(String),
    /// Nobody said where it is.
    Unknown,
    /// It could not be used; the findings say why.
    Unreachable,
}

impl CheckReport {
    /// Whether a finding stops a launch.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    }
}

/// Checks a loaded pipeline against the targets whose URLs are given by name. Without errors, it can be launched.
pub async fn check(
    loaded: &Loaded,
    targets: &Targets,
    urls: &BTreeMap<String, String>,
) -> CheckReport {
    let mut report = CheckReport {
        findings: loaded.findings.clone(),
        asked: BTreeMap::new(),
    };
    let Some(definition) = &loaded.definition else {
        return report;
    };
    let plan = Plan::new(definition.clone());
    let mut check = Check {
        loaded,
        definition,
        urls,
        plan: &plan,
        open: BTreeMap::new(),
        published: Vec::new(),
        unpublished: Vec::new(),
        missing: Vec::new(),
        unready: false,
        findings: Vec::new(),
    };
    for name in target_names(definition) {
        let asked = check.ask(&name, targets, urls).await;
        report.asked.insert(name, asked);
    }
    check.entities().await;
    check.workspace().await;
    check.steps().await;
    report.findings.extend(check.findings);
    report.findings.sort_by_cached_key(|finding| {
        finding.place.as_ref().map(|place| {
            (
                place.file != load::ENTRY,
                place.file.clone(),
                place.line,
                place.column,
            )
        })
    });
    report
}

struct Check<'a> {
    loaded: &'a Loaded,
    definition: &'a Definition,
    /// Where targets are, by name.
    urls: &'a BTreeMap<String, String>,
    plan: &'a Plan,
    open: BTreeMap<String, Arc<dyn Target>>,
    /// What publishing will make on the workspace's target, as far as it can.
    published: Vec<Publish>,
    /// Names that it would have made and cannot; a finding says so.
    unpublished: Vec<String>,
    /// Workspace tables that are not in the target; a finding says so.
    missing: Vec<String>,
    /// Tables that executions are to share are not as they must be; findings say so, and SQL over them cannot be judged.
    unready: bool,
    findings: Vec<Finding>,
}

impl Check<'_> {
    /// Opens a target as far as it can be.
    async fn ask(
        &mut self,
        name: &str,
        targets: &Targets,
        urls: &BTreeMap<String, String>,
    ) -> Asked {
        let Some(url) = urls.get(name) else {
            let finding = unknown_target(self.definition, name, urls);
            let place =
                target_path(self.definition, name).and_then(|path| self.loaded.places.at(&path));
            self.findings.push(placed(finding, place));
            return Asked::Unknown;
        };
        let answer = match targets.open(name, url) {
            Ok(target) => target.probe().await.map(|what| (target, what)),
            Err(error) => Err(error),
        };
        match answer {
            Ok((target, what)) => {
                self.open.insert(name.to_owned(), target);
                Asked::Answered(what)
            }
            Err(error) => {
                let finding = Finding::error(
                    "CAR0511",
                    format!("target `{name}` cannot be used: {error}"),
                );
                self.findings
                    .push(finding.help("mend what it says, or name another place with --target"));
                Asked::Unreachable
            }
        }
    }

    /// The query must be taken, its key must be a column of it, and so must every attribute that is relied on.
    async fn entities(&mut self) {
        let Entities::Query { target, sql, .. } = &self.definition.entities else {
            return;
        };
        let Some(open) = self.open.get(target) else {
            return;
        };
        let places = &self.loaded.places;
        match open.inspect(sql, &[]).await {
            Ok(inspection) => {
                let assumed = &self.loaded.assumed_attributes;
                self.findings.extend(load::check_attributes(
                    self.definition,
                    places,
                    assumed,
                    &inspection.columns,
                ));
            }
            Err(error) => {
                let finding = self.refused(
                    ("CAR0406", "the entities query"),
                    target,
                    "entities/sql",
                    sql,
                    &error,
                );
                self.findings.push(finding);
            }
        }
    }

    /// Workspace tables must be there as templates, and the keys of what is published must be their columns.
    async fn workspace(&mut self) {
        let Some(workspace) = &self.definition.workspace else {
            return;
        };
        let Some(target) = self.open.get(&workspace.target).cloned() else {
            return;
        };
        let mut columns: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (at, table) in workspace.tables.iter().enumerate() {
            match target.inspect(&all_of(table), &[]).await {
                Ok(inspection) => drop(columns.insert(table.as_str(), inspection.columns)),
                Err(TargetError::Sql { message, .. }) => {
                    self.unready |= workspace.column().is_some();
                    self.missing.push(table.clone());
                    self.no_template(workspace, at, &message);
                }
                Err(error) => self.findings.push(Finding::error(
                    "CAR0511",
                    format!("target `{}`: {error}", workspace.target),
                )),
            }
        }
        if workspace.column().is_some() {
            self.shared_tables(workspace, target.as_ref()).await;
        }
        let wrong_keys = self.publish_keys(workspace, &columns);
        for (at, entry) in workspace.publish.iter().enumerate() {
            let is_there = columns
                .keys()
                .any(|table| table.eq_ignore_ascii_case(&entry.from));
            let is_right = is_there
                && !wrong_keys.contains(&at)
                && self.publishable(target.as_ref(), at, entry).await;
            if is_right {
                self.published.push(entry.clone());
            } else {
                self.unpublished.push(entry.into.clone());
                self.unpublished.extend(entry.current.clone());
            }
        }
    }

    /// Tells that a workspace table has no template, and which name that steps write was probably meant.
    fn no_template(&mut self, workspace: &Workspace, at: usize, message: &str) {
        let table = &workspace.tables[at];
        let written = self.written_tables(workspace);
        let similar = load::suggestion(table, written.iter().map(String::as_str))
            .filter(|help| help.starts_with("did you mean"))
            .map_or_else(String::new, |help| {
                format!("{help} Steps write that one. Else ")
            });
        let message = format!(
            "the workspace table `{table}` is not in target `{}`: {message}",
            workspace.target
        );
        let create = match workspace.column() {
            None => format!(
                "empty, as in `create table {table} (…)`: each execution gets one made like it"
            ),
            Some(column) => format!("with the column `{column}` first in its key or in an index"),
        };
        let finding = Finding::error("CAR0413", message).help(format!(
            "{similar}create it there, {create}; or correct the name{}",
            self.listed_by(&workspace.target, ".tables")
        ));
        let place = self.loaded.places.at(&format!("workspace/tables/{at}"));
        self.findings.push(placed(finding, place));
    }

    /// Tables that steps seem to write and that the workspace does not have, by the words of their SQL.
    fn written_tables(&self, workspace: &Workspace) -> BTreeSet<String> {
        let steps = self.definition.stages.iter().flat_map(|stage| &stage.steps);
        let written = steps.filter_map(|step| match &step.action {
            Action::Sql { sql, .. } => Some(load::static_inspection(sql, &workspace.tables)),
            _ => None,
        });
        let accesses = written.flat_map(|inspection| inspection.accesses);
        accesses
            .filter(|access| access.writes && !access.own)
            .map(|access| access.table)
            .collect()
    }

    /// Whether a finding is about a table that was to be in the workspace, where a misspelt one is: that has been told.
    fn follows_from_workspace(&self, table: &str) -> bool {
        load::suggestion(table, self.missing.iter().map(String::as_str))
            .is_some_and(|help| help.starts_with("did you mean"))
    }

    /// Whether an entry's table and view can be made, or are there as they would be made.
    async fn publishable(&mut self, target: &dyn Target, at: usize, entry: &Publish) -> bool {
        let without_view = Publish {
            current: None,
            ..entry.clone()
        };
        let workspace = self.definition.workspace.as_ref();
        let shared = workspace.filter(|workspace| workspace.column().is_some());
        for (field, entry) in [("into", &without_view), ("current", entry)] {
            let entries = std::slice::from_ref(entry);
            let name = entry.current.as_ref().unwrap_or(&entry.into);
            let sql = nothing();
            let asked = match shared {
                Some(workspace) => target.inspect_by_column(&sql, workspace, entries).await,
                None => target.inspect_published(&sql, &[], entries).await,
            };
            let finding = match asked {
                Ok(_) => continue,
                Err(TargetError::Sql { message, .. }) => {
                    Finding::error("CAR0417", format!("nothing can be published as `{name}`: {message}"))
                        .help("name a table and a view that are not there yet: Carril makes both, and changes nothing that somebody else made")
                }
                Err(error) => Finding::error("CAR0511", format!("`{name}` could not be looked at: {error}")),
            };
            let place = format!("workspace/publish/{at}/{field}");
            self.findings
                .push(placed(finding, self.loaded.places.at(&place)));
            return false;
        }
        true
    }

    /// Keys must be columns; gives the entries of which one is not.
    fn publish_keys(
        &mut self,
        workspace: &Workspace,
        columns: &BTreeMap<&str, Vec<String>>,
    ) -> BTreeSet<usize> {
        let mut wrong = BTreeSet::new();
        for (at, publish) in workspace.publish.iter().enumerate() {
            let known = columns
                .iter()
                .find(|(table, _)| table.eq_ignore_ascii_case(&publish.from));
            let Some((_, columns)) = known else { continue };
            for (key_at, key) in publish.key.iter().enumerate().filter(|(_, key)| {
                !columns
                    .iter()
                    .any(|column| column.eq_ignore_ascii_case(key))
            }) {
                let message = format!(
                    "`{}` has no column `{key}`, which is to be part of the key it is published by",
                    publish.from
                );
                let finding = Finding::error("CAR0414", message)
                    .help(format!("its columns are {}", columns.join(", ")));
                let place = self
                    .loaded
                    .places
                    .at(&format!("workspace/publish/{at}/key/{key_at}"));
                self.findings.push(placed(finding, place));
                wrong.insert(at);
            }
        }
        wrong
    }

    /// What each step's SQL would touch: asked of its target, else read from its words.
    async fn steps(&mut self) {
        let mut inspections: Vec<(StepId, Inspection)> = Vec::new();
        let mut answered: Vec<StepId> = Vec::new();
        for planned in self.plan.steps() {
            let step = self.plan.step(planned.id);
            let Action::Sql { target, sql } = &step.action else {
                continue;
            };
            let open = self.open.get(target);
            let own = own_tables(self.definition, target, (step, open.map(AsRef::as_ref)));
            let Some(open) = open else {
                inspections.push((planned.id, load::static_inspection(sql, own)));
                continue;
            };
            let workspace = self.definition.workspace.as_ref();
            let published = match workspace {
                Some(workspace) if workspace.target == *target => self.published.as_slice(),
                _ => &[],
            };
            let shared = workspace
                .filter(|workspace| workspace.target == *target && workspace.column().is_some());
            let asked = match shared {
                Some(_) if self.unready => continue,
                Some(workspace) => open.inspect_by_column(sql, workspace, published).await,
                None => open.inspect_published(sql, own, published).await,
            };
            match asked {
                Ok(inspection) => {
                    answered.push(planned.id);
                    inspections.push((planned.id, inspection));
                }
                Err(error) if self.follows_from_publishing(&error) => {}
                Err(error) => {
                    let what = format!("step `{}`", planned.path);
                    let path = self.written_path(planned.id);
                    let finding = self.refused(("CAR0415", &what), target, &path, sql, &error);
                    self.findings.push(finding);
                }
            }
        }
        for (_, inspection) in &mut inspections {
            inspection
                .accesses
                .retain(|access| !access.writes || !self.follows_from_workspace(&access.table));
        }
        self.findings.extend(load::shared_rows(
            self.plan,
            &self.loaded.places,
            &inspections,
        ));
        // Only what a target told: words alone do not say which columns a query gives.
        let told = inspections
            .iter()
            .filter(|(id, _)| answered.contains(id))
            .map(|(id, inspection)| (self.written(*id), inspection))
            .collect();
        let used = &self.loaded.used_outputs;
        self.findings
            .extend(load::check_outputs(self.definition, used, &told));
    }

    /// SQL that a target does not take, with its place, and how to see what the target has.
    fn refused(
        &self,
        (code, what): (&str, &str),
        target: &str,
        path: &str,
        sql: &SqlText,
        error: &TargetError,
    ) -> Finding {
        let TargetError::Sql { message, offset } = error else {
            return Finding::error("CAR0511", format!("{what} could not be looked at: {error}"));
        };
        let start = offset.unwrap_or(0);
        let places = &self.loaded.places;
        let place = places.sql(path, sql, start..word_end(&sql.text, start));
        let finding = Finding::error(code, format!("the target does not take {what}: {message}"));
        let help = if let Some(help) = self.shared_help(target, message) {
            help.to_owned()
        } else if message.starts_with("no such table") {
            let listed = self.listed_by(target, ".tables");
            format!("correct the name, or create the table in target `{target}`{listed}")
        } else if message.starts_with("no such column") {
            let listed = self.listed_by(target, ".schema");
            format!("correct the name; a value is written `:name`{listed}")
        } else {
            "mend the SQL; these are the database's own words".to_owned()
        };
        placed(finding.help(help), place)
    }

    /// How to list what a target has, where its file has a name that can be typed and holds no reference to a secret.
    fn listed_by(&self, target: &str, command: &str) -> String {
        let file = self
            .urls
            .get(target)
            .and_then(|url| url.strip_prefix("sqlite:"))
            .filter(|file| {
                !file.contains(|letter: char| "${}'\"".contains(letter) || letter.is_whitespace())
            });
        file.map_or_else(String::new, |file| {
            format!("; `sqlite3 {file} {command}` lists what is there")
        })
    }

    /// Whether SQL was refused for want of a table that a finding about publishing has told already.
    fn follows_from_publishing(&self, error: &TargetError) -> bool {
        let TargetError::Sql { message, .. } = error else {
            return false;
        };
        let missing = message.strip_prefix("no such table: ");
        missing.is_some_and(|missing| {
            let name = missing.rsplit('.').next().unwrap_or(missing);
            self.unpublished
                .iter()
                .any(|unpublished| unpublished.eq_ignore_ascii_case(name))
        })
    }

    /// Where a step's SQL is in the pipeline as written, which has no stages that publish.
    fn written_path(&self, id: StepId) -> String {
        let (stage, step) = self.written(id);
        format!("stage/{stage}/step/{step}/sql")
    }

    /// Positions of stage and step in the pipeline as written.
    fn written(&self, id: StepId) -> (usize, usize) {
        let planned = self.plan.planned(id);
        let stage = &self.plan.stage_of(id).name;
        let written = self
            .definition
            .stages
            .iter()
            .position(|other| other.name == *stage)
            .unwrap_or(planned.stage);
        (written, planned.position)
    }
}

/// The tables that a step finds as its execution's own: none where it works in the shared part and can commit nothing else beside
/// that, as on a target whose executions have a file each.
fn own_tables<'a>(
    definition: &'a Definition,
    target: &str,
    (step, open): (&Step, Option<&dyn Target>),
) -> &'a [String] {
    let writes_both = || open.is_some_and(|open| open.shared_writers().is_none());
    match &definition.workspace {
        Some(workspace)
            if workspace.target == target
                && (step.shared_writes.is_empty()
                    || workspace.column().is_some()
                    || writes_both()) =>
        {
            &workspace.tables
        }
        _ => &[],
    }
}

/// The end of the word at an offset, so that the caret underlines it.
fn word_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    start
        + rest
            .find(|character: char| !character.is_alphanumeric() && character != '_')
            .unwrap_or(rest.len())
            .max(1)
}

fn placed(finding: Finding, place: Option<Place>) -> Finding {
    Finding { place, ..finding }
}

/// All of a table, for asking whether it is there and which columns it has.
fn all_of(table: &str) -> SqlText {
    SqlText {
        file: String::new(),
        start: None,
        text: format!("select * from \"{}\"", table.replace('"', "\"\"")),
    }
}

/// SQL that touches nothing, for asking about what stands around it.
fn nothing() -> SqlText {
    SqlText {
        file: String::new(),
        start: None,
        text: "select 1".to_owned(),
    }
}
