//! The tables of the workspace, what is published of them, and what steps say they share.

use super::super::similar::suggestion;
use super::super::values::identifier_problem;
use super::Check;
use crate::definition::{Publish, Scope, Workspace};
use std::collections::BTreeMap;

const PUBLISHED_COLUMNS: [&str; 2] = ["execution_id", "published_at"];

impl Check<'_> {
    pub(super) fn tables(&mut self) {
        let Some(workspace) = &self.definition.workspace else {
            return;
        };
        if workspace.tables.is_empty() {
            self.report(
                "workspace/tables",
                "CAR0208",
                "the workspace has no table",
                "list what each execution has to itself, or leave `[workspace]` out",
            );
        }
        if let Some(column) = workspace.column() {
            self.identifier("workspace/column", column);
        }
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for (at, table) in workspace.tables.iter().enumerate() {
            let path = format!("workspace/tables/{at}");
            self.identifier(&path, table);
            if seen.insert(table.to_lowercase(), "workspace").is_some() {
                self.report(
                    &path,
                    "CAR0202",
                    format!("the workspace has `{table}` already"),
                    "leave one of them out; capitals make no difference",
                );
            }
        }
        for (at, entry) in workspace.publish.iter().enumerate() {
            self.published(
                &format!("workspace/publish/{at}"),
                workspace,
                entry,
                &mut seen,
            );
        }
        self.shared_writes(workspace);
    }

    fn published(
        &mut self,
        path: &str,
        workspace: &Workspace,
        entry: &Publish,
        seen: &mut BTreeMap<String, &str>,
    ) {
        if !workspace.tables.contains(&entry.from) {
            let help = suggestion(&entry.from, workspace.tables.iter().map(String::as_str));
            let otherwise = || format!("add `{}` to the workspace's `tables`", entry.from);
            let message = format!("`{}` is not in the workspace", entry.from);
            let help = help.unwrap_or_else(otherwise);
            self.report(&format!("{path}/from"), "CAR0208", message, help);
        }
        self.published_as(&format!("{path}/into"), &entry.into, seen);
        if let Some(current) = &entry.current {
            self.published_as(&format!("{path}/current"), current, seen);
        }
        self.published_key(path, workspace, entry);
        self.published_by_somebody(&format!("{path}/per"), entry);
    }

    /// A name in the shared target must be free.
    fn published_as(&mut self, path: &str, name: &str, seen: &mut BTreeMap<String, &str>) {
        self.identifier(path, name);
        let (message, help) = match seen.insert(name.to_lowercase(), "publish") {
            None => return,
            Some("workspace") => (
                format!("`{name}` is in the workspace, where only its own execution sees it"),
                "publish under another name, as in `fund_report_history`",
            ),
            Some(_) => (
                format!("something else is published as `{name}`"),
                "each entry has a history table and a view of its own",
            ),
        };
        self.report(path, "CAR0208", message, help);
    }

    fn published_by_somebody(&mut self, path: &str, entry: &Publish) {
        if self
            .definition
            .stages
            .iter()
            .any(|stage| stage.per == entry.per)
        {
            return;
        }
        let (written, help) = match entry.per {
            Scope::Entity => (
                "per entity",
                "say `per = \"process\"`, or give the pipeline a stage that runs in every lane",
            ),
            Scope::Process => (
                "per process",
                "leave `per` out, or give the pipeline a stage with `per = \"process\"`",
            ),
        };
        let message = format!(
            "nothing would publish `{}`: no stage runs {written}",
            entry.from
        );
        self.report(path, "CAR0208", message, help);
    }

    fn published_key(&mut self, path: &str, workspace: &Workspace, entry: &Publish) {
        let path = format!("{path}/key");
        if entry.key.is_empty() {
            self.report(
                &path,
                "CAR0208",
                format!("the `key` of `{}` is empty", entry.from),
                "list the columns that name a published row",
            );
        }
        for (at, column) in entry.key.iter().enumerate() {
            let path = format!("{path}/{at}");
            if entry.key[..at].contains(column) {
                self.report(
                    &path,
                    "CAR0202",
                    format!("the key has `{column}` already"),
                    "leave one of them out",
                );
            } else if workspace
                .column()
                .is_some_and(|own| own.eq_ignore_ascii_case(column))
            {
                let message = format!(
                    "`{column}` cannot be in the key: it tells executions apart, and what is published has `execution_id` for that"
                );
                self.report(
                    &path,
                    "CAR0208",
                    message,
                    "list the columns that name a row within its execution",
                );
            } else if PUBLISHED_COLUMNS
                .iter()
                .any(|own| own.eq_ignore_ascii_case(column))
            {
                let message = format!(
                    "`{column}` cannot be in the key: publishing adds a column of that name itself"
                );
                self.report(
                    &path,
                    "CAR0208",
                    message,
                    "list columns of the workspace table only",
                );
            } else {
                self.identifier(&path, column);
            }
        }
    }

    fn shared_writes(&mut self, workspace: &Workspace) {
        for (stage_at, stage) in self.definition.stages.iter().enumerate() {
            for (step_at, step) in stage.steps.iter().enumerate() {
                for (at, table) in step.shared_writes.iter().enumerate() {
                    if workspace
                        .tables
                        .iter()
                        .any(|own| own.eq_ignore_ascii_case(table))
                    {
                        let path = format!("stage/{stage_at}/step/{step_at}/shared_writes/{at}");
                        let message =
                            format!("`{table}` is in the workspace and cannot be shared as well");
                        self.report(
                            &path,
                            "CAR0213",
                            message,
                            "leave it out here, or out of the workspace's `tables`",
                        );
                    }
                }
            }
        }
    }

    fn identifier(&mut self, path: &str, name: &str) {
        if let Some(problem) = identifier_problem(name) {
            self.report(
                path,
                "CAR0201",
                format!("{name:?} cannot be the name of a table or column: {problem}"),
                "write the plain name, as in `report_rows`",
            );
        }
    }
}
