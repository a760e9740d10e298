//! What people ask: answers are read from the store and change nothing, so they may be asked of any server of it.

pub(crate) mod executions;
pub(crate) mod matrix;
pub(crate) mod overview;
pub(crate) mod processes;
pub(crate) mod records;
pub(crate) mod swimlanes;
pub(crate) mod things;
pub(crate) mod trace;

use crate::app::App;
use crate::problem::Problem;
use carril::model::contract::{ExecutionRow, ProcessRow};
use carril::model::id::{ExecutionId, ProcessId};

/// The process with this id.
pub(crate) async fn process(app: &App, id: i64) -> Result<ProcessRow, Problem> {
    let row = app.house.reader().process(ProcessId(id)).await?;
    row.ok_or_else(|| Problem::unknown("process", id))
}

/// The execution with this id.
pub(crate) async fn execution(app: &App, id: i64) -> Result<ExecutionRow, Problem> {
    let row = app.history().execution(ExecutionId(id)).await?;
    row.ok_or_else(|| Problem::unknown("execution", id))
}

/// At most so many of the rows, and whether there were more: lists are asked for one row more than is shown.
pub(crate) fn cut<T>(mut rows: Vec<T>, limit: u32) -> (Vec<T>, bool) {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    (rows, more)
}
