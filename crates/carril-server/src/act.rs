//! What people ask to be done. Each is first looked at, so that what makes no sense is refused before anything is written; with
//! `preview=true` it ends there and says what would be touched. The rest is the engine's, wherever it is.

pub(crate) mod breaker;
pub(crate) mod control;
pub(crate) mod launch;
mod meant;
pub(crate) mod say;
pub(crate) mod tokens;

use crate::app::App;
use crate::problem::Problem;
use crate::told::Told;
use carril::model::contract::{Answer, ExecutionRow, TableRows, Wish};
use meant::Meant;
use serde::Serialize;
use utoipa::ToSchema;

/// Entities that a preview names.
const NAMED: usize = 10;

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Done {
    /// Whom to follow.
    processes: Vec<i64>,
    /// A sentence for people.
    message: String,
    /// What would be touched, where only that was asked; then nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<Preview>,
}

/// What would be touched.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Preview {
    /// How many executions of entities.
    executions: u64,
    /// Some of their entities.
    entities: Vec<String>,
    /// Steps whose outcome would be kept; `null` where only another program's engine could say.
    steps_kept: Option<u64>,
    /// Whether stages of the process itself would run again; `null` as above.
    process_stages: Option<bool>,
    /// Rows that would be removed, per table; `null` where none would be, and as above.
    rows: Option<Vec<Removed>>,
}

/// Rows that would be removed from a table.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Removed {
    table: String,
    rows: u64,
}

impl Preview {
    /// Of these executions.
    fn of(rows: &[&ExecutionRow]) -> Self {
        let named = rows.iter().filter_map(|row| row.entity.clone());
        let entities: Vec<String> = named.take(NAMED).collect();
        let count = rows.iter().filter(|row| row.entity.is_some()).count();
        Self {
            executions: count as u64,
            entities,
            ..Self::default()
        }
    }

    fn removing(self, rows: &[TableRows]) -> Self {
        let removed = rows.iter().map(|row| Removed {
            table: row.table.clone(),
            rows: row.deleted,
        });
        Self {
            rows: Some(removed.collect()),
            ..self
        }
    }
}

/// Says what would be done.
fn previewed(processes: Vec<i64>, message: impl Into<String>, preview: Preview) -> Told {
    Told::ok(&Done {
        processes,
        message: message.into(),
        preview: Some(preview),
    })
}

/// Says what would be done with all that has not ended.
async fn previewed_open(
    app: &App,
    meant: &Meant,
    message: impl Into<String>,
) -> Result<Told, Problem> {
    let rows = meant.executions(app).await?;
    let processes = vec![meant.process.id.0];
    Ok(previewed(processes, message, Preview::of(&open_of(&rows))))
}

/// Those that have not ended.
fn open_of(rows: &[ExecutionRow]) -> Vec<&ExecutionRow> {
    rows.iter().filter(|row| !row.state.is_settled()).collect()
}

/// Refuses entities where one execution is meant.
fn none_named(entities: &[String]) -> Result<(), Problem> {
    if entities.is_empty() {
        return Ok(());
    }
    let detail = "an execution is of one entity; `entities` is for processes";
    Err(Problem::unreadable(detail))
}

/// Has it done.
async fn done(app: &App, wish: Wish) -> Result<Told, Problem> {
    let (processes, message) = match app.house.carry_out(wish, app.now()).await? {
        Answer::Accepted { processes, message } => (processes, message),
        Answer::Refused { code, message } => return Err(Problem::of_code(&code, message)),
    };
    Ok(Told::accepted(&Done {
        processes: processes.iter().map(|process| process.0).collect(),
        message,
        preview: None,
    }))
}
