//! `carril trace lanes`: how the number of a process's lanes was found out, change by change.

use super::{Rows, Shape};
use crate::context::{Context, Reading};
use crate::failure::Failure;
use crate::output::table::Table;
use crate::output::time::{self, rfc3339};
use carril::model::contract::ProcessRow;
use carril::model::lanes::LanesRow;
use serde::Serialize;

#[derive(Debug, Serialize)]
struct ChangeShape<'a> {
    from: u32,
    to: u32,
    most: u32,
    reason: &'static str,
    detail: &'a str,
    worker: i64,
    at: String,
}

impl<'a> From<&'a LanesRow> for ChangeShape<'a> {
    fn from(row: &'a LanesRow) -> Self {
        Self {
            from: row.change.from,
            to: row.change.to,
            most: row.most,
            reason: row.change.reason.name(),
            detail: &row.change.detail,
            worker: row.node.0,
            at: rfc3339(row.at),
        }
    }
}

/// Shows the newest changes, newest first.
pub(super) async fn show(
    context: &Context,
    reader: &Reading,
    process: &ProcessRow,
    limit: u32,
) -> Result<(), Failure> {
    let max = limit.saturating_add(1);
    let found = reader.history().lanes(process.id, max).await?;
    let found = Rows::cut(process, found, limit);
    if context.output.json() {
        return context.output.value(&Shape {
            process: found.process,
            rows: found.rows.iter().map(ChangeShape::from).collect(),
            more: found.more,
        });
    }
    if found.rows.is_empty() {
        context.output.talk(&format!(
            "process {} has {} lanes for good; with `max = \"auto\"` their number is found out",
            process.id, process.lanes
        ));
        return Ok(());
    }
    let mut table = Table::new(&["AT", ">FROM", ">TO", "WHY", "WHAT WAS SEEN"]);
    for row in &found.rows {
        table.row(&[
            time::local(row.at, context.zone()),
            row.change.from.to_string(),
            row.change.to.to_string(),
            row.change.reason.name().to_owned(),
            row.change.detail.clone(),
        ]);
    }
    context.output.data(&table.render())?;
    if found.more {
        context.output.talk(&format!(
            "the newest {} are shown; --limit N shows more",
            found.rows.len()
        ));
    }
    Ok(())
}
