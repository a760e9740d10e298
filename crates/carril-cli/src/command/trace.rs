//! `carril trace`: where time went, afterwards or meanwhile: timeline, overlaps, bottlenecks, waits, lanes.

use crate::arguments::{Trace, TraceOf, TraceView};
use crate::context::{Context, Reading};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::found;
use crate::locks;
use crate::output::number;
use crate::output::table::Table;
use crate::output::time;
use carril::model::contract::{
    BottleneckRow, LockCostRow, LockRow, OverlapRow, ProcessRow, WaitRow,
};
use carril::model::id::ProcessId;
use carril::shape::{BottleneckShape, LockCostShape, LockRowShape, OverlapShape, SpentShape};
use serde::Serialize;

mod export;
mod lanes;
mod timeline;

#[derive(Debug, Serialize)]
struct Shape<T> {
    process: i64,
    rows: Vec<T>,
    more: bool,
}

/// The same with waits for locks beside it.
#[derive(Debug, Serialize)]
struct LockedShape<'a, T, L> {
    process: i64,
    rows: Vec<T>,
    more: bool,
    locks: &'a [L],
    more_locks: bool,
}

/// Answers one of the five questions.
pub(crate) async fn run(context: &Context, arguments: &Trace) -> Result<Exit, Failure> {
    let reader = context.reader().await?;
    let history = reader.history();
    let of = match &arguments.view {
        TraceView::Timeline(of)
        | TraceView::Overlaps(of)
        | TraceView::Bottlenecks(of)
        | TraceView::Waits(of)
        | TraceView::Lanes(of) => of,
        TraceView::Export(export) => {
            export::export(context, &reader, export).await?;
            return Ok(Exit::Ok);
        }
    };
    let process = process_of(&reader, of).await?;
    let max = of.limit.saturating_add(1);
    match &arguments.view {
        TraceView::Export(_) => unreachable!("answered above"),
        TraceView::Lanes(_) => lanes::show(context, &reader, &process, of.limit).await?,
        TraceView::Timeline(_) => timeline::show(context, &reader, &process, of.limit).await?,
        TraceView::Overlaps(_) => {
            let rows = Rows::cut(&process, history.overlaps(process.id, max).await?, of.limit);
            let waited = Rows::cut(&process, history.locks(process.id, max).await?, of.limit);
            rows.show(
                context,
                |rows| rows.iter().map(OverlapShape::from).collect(),
                overlaps,
                &Locks::pairs(&waited),
            )?;
        }
        TraceView::Bottlenecks(_) => {
            let rows = Rows::cut(
                &process,
                history.bottlenecks(process.id, max).await?,
                of.limit,
            );
            let costs = history.lock_costs(process.id, max).await?;
            let costs = Rows::cut(&process, costs, of.limit);
            rows.show(
                context,
                |rows| rows.iter().map(BottleneckShape::from).collect(),
                bottlenecks,
                &Locks::costs(&costs),
            )?;
        }
        TraceView::Waits(_) => {
            let spent = history.waits(process.id, context.now()).await?;
            let rows = Rows::cut(&process, spent, of.limit);
            let costs = history.lock_costs(process.id, max).await?;
            let costs = Rows::cut(&process, costs, of.limit);
            rows.show(
                context,
                |rows| rows.iter().map(SpentShape::from).collect(),
                waits,
                &Locks::costs(&costs),
            )?;
        }
    }
    Ok(Exit::Ok)
}

async fn process_of(reader: &Reading, of: &TraceOf) -> Result<ProcessRow, Failure> {
    match of.process {
        Some(id) => found::known_process(reader.history(), ProcessId(id)).await,
        None => found::newest_process(reader.history()).await,
    }
}

/// At most so many rows of a process, and whether there are more.
struct Rows<T> {
    process: i64,
    rows: Vec<T>,
    more: bool,
}

impl<T> Rows<T> {
    fn cut(process: &ProcessRow, mut rows: Vec<T>, limit: u32) -> Self {
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        Self {
            process: process.id.0,
            rows,
            more,
        }
    }

    /// Shows them for people or for programs, and under them the waits for locks.
    fn show<'a, S: Serialize, L: Serialize>(
        &'a self,
        context: &Context,
        shapes: impl FnOnce(&'a [T]) -> Vec<S>,
        drawn: impl FnOnce(&[T]) -> Table,
        locks: &Locks<L>,
    ) -> Result<(), Failure> {
        if context.output.json() {
            return context.output.value(&LockedShape {
                process: self.process,
                rows: shapes(&self.rows),
                more: self.more,
                locks: &locks.shapes,
                more_locks: locks.more,
            });
        }
        if self.rows.is_empty() && locks.shapes.is_empty() {
            context.output.talk(&format!(
                "there is nothing of this kind in process {}",
                self.process
            ));
            return Ok(());
        }
        if !self.rows.is_empty() {
            context.output.data(&drawn(&self.rows).render())?;
        }
        if !locks.shapes.is_empty() {
            let gap = if self.rows.is_empty() { "" } else { "\n" };
            context
                .output
                .data(&format!("{gap}{}", locks.drawn.render()))?;
        }
        if self.more || locks.more {
            context.output.talk(&format!(
                "the first {} are shown; --limit N shows more",
                self.rows.len().max(locks.shapes.len())
            ));
        }
        Ok(())
    }
}

/// Waits for locks, which stand under what a view is about.
struct Locks<S> {
    shapes: Vec<S>,
    drawn: Table,
    more: bool,
}

impl<'a> Locks<LockCostShape<'a>> {
    /// By table and holder.
    fn costs(rows: &'a Rows<LockCostRow>) -> Self {
        Self {
            shapes: rows.rows.iter().map(LockCostShape::from).collect(),
            drawn: locks::costs(&rows.rows),
            more: rows.more,
        }
    }
}

impl<'a> Locks<LockRowShape<'a>> {
    /// One by one.
    fn pairs(rows: &'a Rows<LockRow>) -> Self {
        Self {
            shapes: rows.rows.iter().map(LockRowShape::from).collect(),
            drawn: locks::pairs(&rows.rows),
            more: rows.more,
        }
    }
}

fn overlaps(rows: &[OverlapRow]) -> Table {
    let mut table = Table::new(&["RESOURCE", "FIRST", "SECOND", ">TOGETHER"]);
    let named = |id: i64, entity: &Option<String>| {
        format!("{} ({id})", entity.as_deref().unwrap_or("process"))
    };
    for row in rows {
        table.row(&[
            row.resource.clone(),
            named(row.first.0, &row.first_entity),
            named(row.second.0, &row.second_entity),
            time::span(row.micros),
        ]);
    }
    table
}

fn bottlenecks(rows: &[BottleneckRow]) -> Table {
    let mut table = Table::new(&[
        "RESOURCE", ">USES", ">MEAN", ">LONGEST", ">WAITS", ">WAITED", ">LOCKS",
    ]);
    for row in rows {
        table.row(&[
            row.resource.clone(),
            number::count(row.accesses),
            time::span(row.mean_micros),
            time::span(row.max_micros),
            number::count(row.waits),
            time::span(row.waited_micros),
            number::count(row.locks),
        ]);
    }
    table
}

fn waits(rows: &[WaitRow]) -> Table {
    let total: i64 = rows.iter().map(|row| row.total_micros).sum();
    let mut table = Table::new(&[
        "CAUSE",
        ">EXECUTIONS",
        ">ALL",
        ">SHARE",
        ">LONGEST",
        ">WORST",
    ]);
    for row in rows {
        let permille = row.total_micros.saturating_mul(1_000) / total.max(1);
        table.row(&[
            row.cause.name().to_owned(),
            number::count(row.executions),
            time::span(row.total_micros),
            format!("{}.{} %", permille / 10, permille % 10),
            time::span(row.max_micros),
            row.worst.map_or_else(String::new, |id| id.to_string()),
        ]);
    }
    table
}
