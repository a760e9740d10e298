//! `carril workspace migrate`: prints the SQL by which existing tables get the column for `isolation = "column"`, or lose it.
//!
//! Nothing is run: tables are the user's, and so is the moment at which they change.

use crate::arguments::Migrate;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::prepared::{self, Checked};
use carril::EngineError;
use carril::model::contract::TableMigration;
use carril::model::definition::Workspace;
use carril::model::finding::{Finding, Severity};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Shape<'a> {
    target: &'a str,
    column: &'a str,
    down: bool,
    /// Statements in order; empty when nothing is to be done.
    statements: Vec<&'a str>,
    notes: Vec<&'a str>,
}

/// Prints the statements, each with its semicolon, and as comments what they cannot do.
pub(crate) async fn migrate(context: &Context, arguments: &Migrate) -> Result<Exit, Failure> {
    let checked = prepared::check(context, &arguments.pipeline).await?;
    let workspace = workspace(&checked)?;
    let column = workspace.column().unwrap_or_default();
    let target = &workspace.target;
    let Some(url) = checked.settings.targets.get(target) else {
        return Err(
            Failure::usage(format!("nobody said where target `{target}` is")).help(format!(
                "give `--target {target}=sqlite:PATH`, or name it in carril.toml"
            )),
        );
    };
    let failed = |error| {
        Failure::from(EngineError::Target {
            name: target.clone(),
            error,
        })
    };
    let open = checked.targets.open(target, url).map_err(failed)?;
    let migrations = open
        .column_migration(workspace, arguments.down)
        .await
        .map_err(failed)?;
    tell(context, (target, column), arguments.down, &migrations)?;
    Ok(Exit::Ok)
}

/// The workspace, if executions are to share it. What is wrong with the tables is no obstacle: that is what is to be mended.
fn workspace(checked: &Checked) -> Result<&Workspace, Failure> {
    let Some(definition) = &checked.loaded.definition else {
        let errors: Vec<Finding> = checked.loaded.findings.clone();
        let errors = errors
            .into_iter()
            .filter(|finding| finding.severity == Severity::Error);
        return Err(Failure::invalid(errors.collect()));
    };
    let shared = definition
        .workspace
        .as_ref()
        .filter(|workspace| workspace.column().is_some());
    shared.ok_or_else(|| {
        Failure::usage(format!(
            "in `{}` each execution has tables of its own, so there is nothing to migrate",
            definition.name
        ))
        .help("this is for pipelines with `[workspace] isolation = \"column\"`")
    })
}

fn tell(
    context: &Context,
    (target, column): (&str, &str),
    down: bool,
    migrations: &[TableMigration],
) -> Result<(), Failure> {
    let statements: Vec<&str> = migrations
        .iter()
        .flat_map(|migration| &migration.statements)
        .map(String::as_str)
        .collect();
    let notes: Vec<&str> = migrations
        .iter()
        .filter_map(|migration| migration.note.as_deref())
        .collect();
    if context.output.json() {
        return context.output.value(&Shape {
            target,
            column,
            down,
            statements,
            notes,
        });
    }
    if statements.is_empty() && notes.is_empty() {
        let what = if down {
            format!("no table has the column `{column}`")
        } else {
            format!("every table has the column `{column}` and an index that begins with it")
        };
        context.output.talk(&format!("{what}: nothing to do"));
        return Ok(());
    }
    let notes = notes.iter().map(|note| format!("-- {note}"));
    let statements = statements.iter().map(|statement| format!("{statement};"));
    let lines: Vec<String> = notes.chain(statements).collect();
    context.output.data(&lines.join("\n"))
}
