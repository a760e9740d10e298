//! Whom a request means: a process, some entities of it, or one execution.

use crate::app::App;
use crate::ask;
use crate::problem::Problem;
use carril::model::contract::{ExecutionFilter, ExecutionRow, ProcessRow, Selection};
use carril::model::id::ProcessId;
use carril::model::state::ExecutionState;

/// Entities that can be named in one request.
const ENTITIES_MAX: usize = 1_000;
/// Executions that a preview looks at.
const SEEN_MAX: usize = 100_000;
/// Executions that are read in one go.
const PAGE: u32 = 1_000;

/// Whom.
pub(super) struct Meant {
    pub(super) selection: Selection,
    pub(super) process: ProcessRow,
    /// Executions that were named; nothing where all of the process is meant.
    named: Option<Vec<ExecutionRow>>,
}

impl Meant {
    /// All of a process, those of it that did not succeed, or these entities of it.
    pub(super) async fn of_process(
        app: &App,
        id: i64,
        entities: &[String],
        failed: bool,
    ) -> Result<Self, Problem> {
        let process = ask::process(app, id).await?;
        if entities.is_empty() {
            let selection = if failed {
                Selection::Unsuccessful(process.id)
            } else {
                Selection::Process(process.id)
            };
            return Ok(Self {
                selection,
                process,
                named: None,
            });
        }
        if failed {
            let detail = "`failed` chooses among all entities, and here some are named";
            return Err(Problem::unreadable(detail));
        }
        if entities.len() > ENTITIES_MAX {
            let detail = format!("at most {ENTITIES_MAX} entities are named in one request");
            return Err(Problem::unreadable(detail));
        }
        let mut named = Vec::with_capacity(entities.len());
        for key in entities {
            named.push(of_entity(app, process.id, key).await?);
        }
        let ids = named.iter().map(|row| row.id).collect();
        Ok(Self {
            selection: Selection::Executions(ids),
            process,
            named: Some(named),
        })
    }

    /// One execution.
    pub(super) async fn of_execution(app: &App, id: i64) -> Result<Self, Problem> {
        let row = ask::execution(app, id).await?;
        let process = ask::process(app, row.process.0).await?;
        Ok(Self {
            selection: Selection::Executions(vec![row.id]),
            process,
            named: Some(vec![row]),
        })
    }

    /// Every execution that is meant, as it is now.
    pub(super) async fn executions(&self, app: &App) -> Result<Vec<ExecutionRow>, Problem> {
        if let Some(named) = &self.named {
            return Ok(named.clone());
        }
        let states = match self.selection {
            Selection::Unsuccessful(_) => {
                vec![ExecutionState::Failed, ExecutionState::Cancelled]
            }
            Selection::Process(_) | Selection::Executions(_) => Vec::new(),
        };
        let mut filter = ExecutionFilter {
            states,
            max: PAGE,
            ..ExecutionFilter::default()
        };
        let mut found = Vec::new();
        while found.len() < SEEN_MAX {
            let page = app.history().executions(self.process.id, &filter).await?;
            let is_last = page.len() < PAGE as usize;
            filter.after = page.last().map(|row| row.id);
            found.extend(page);
            if is_last {
                break;
            }
        }
        Ok(found)
    }

    /// Whether all of its process is meant.
    pub(super) const fn is_whole(&self) -> bool {
        self.named.is_none()
    }
}

async fn of_entity(app: &App, process: ProcessId, key: &str) -> Result<ExecutionRow, Problem> {
    let filter = ExecutionFilter {
        entity: Some(key.to_owned()),
        max: 1,
        ..ExecutionFilter::default()
    };
    let found = app.history().executions(process, &filter).await?.pop();
    found.ok_or_else(|| {
        let detail = format!("process {process} has no entity `{key}`");
        Problem::of_code("CAR0803", detail)
    })
}
