//! A whole process at once: every execution with a letter for each stage, in columns, as thousands of rows with their names in each
//! would be mostly names.

use super::{cut, process};
use crate::app::App;
use crate::parameters::{Id, Parameters};
use crate::problem::Problem;
use crate::told::Told;
use axum::extract::State;
use carril::model::contract::{ExecutionFilter, ExecutionRow, StepStateRow};
use carril::model::definition::Scope;
use carril::model::id::{ExecutionId, StepId};
use carril::model::matrix::letters;
use carril::model::plan::Plan;
use carril::model::state::StepState;
use carril::model::time::Timestamp;
use carril::shape::{is_open, rfc3339};
use serde::Serialize;
use utoipa::ToSchema;

/// A process's executions by its stages. The n-th of every column is about the same execution.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Matrix {
    process: i64,
    /// In order.
    stages: Vec<MatrixStage>,
    ids: Vec<i64>,
    /// `null` for the process's own execution.
    entities: Vec<Option<String>>,
    runs: Vec<u32>,
    states: Vec<&'static str>,
    /// A letter for each stage: `.` not reached, `p` between two steps, `r` running, `w` waiting, `s` succeeded, `f` failed, `k`
    /// skipped, `c` cancelled, `i` interrupted, `-` no stage of this execution.
    cells: Vec<String>,
    /// What their time is being spent on; `null` once they have settled.
    causes: Vec<Option<&'static str>>,
    /// What that is about, as a resource's name.
    abouts: Vec<Option<String>>,
    /// Since when.
    since: Vec<Option<String>>,
    /// `rolling_back` or `cancelling` where they are.
    leaving: Vec<Option<&'static str>>,
    /// Microseconds of the run so far, from its first lane; 0 before.
    micros: Vec<i64>,
    /// The code of what failed.
    errors: Vec<Option<String>>,
    /// `after` of the next page; `null` on the last one.
    next: Option<i64>,
}

/// A column of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MatrixStage {
    name: String,
    /// `entity` or `process`.
    per: &'static str,
    /// Its first step, `stage/step`: what a retry is told `from`.
    first: String,
}

/// Tells a whole process.
pub(crate) async fn matrix(
    State(app): State<App>,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Told, Problem> {
    let limit = parameters.cells()?;
    let process = process(&app, id).await?;
    let after = parameters.one("after")?.map(ExecutionId);
    let filter = ExecutionFilter {
        after,
        max: limit + 1,
        ..ExecutionFilter::default()
    };
    let history = app.history();
    let found = history.executions(process.id, &filter).await?;
    let (rows, more) = cut(found, limit);
    let plan = Plan::new(history.definition_of(process.id).await?);
    let mut matrix = Matrix {
        process: id,
        stages: stages(&plan),
        next: rows.last().filter(|_| more).map(|row| row.id.0),
        ..Matrix::default()
    };
    if let Some(last) = rows.last() {
        let steps = history.step_states(process.id, after, last.id).await?;
        matrix.fill(&plan, &rows, &steps, app.now());
    }
    Ok(Told::ok(&matrix))
}

fn stages(plan: &Plan) -> Vec<MatrixStage> {
    let stages = plan.definition().stages.iter().enumerate();
    let first = |position: usize| plan.steps().iter().find(|step| step.stage == position);
    stages
        .map(|(position, stage)| MatrixStage {
            first: first(position).map_or_else(String::new, |step| step.path.clone()),
            name: stage.name.clone(),
            per: match stage.per {
                Scope::Entity => "entity",
                Scope::Process => "process",
            },
        })
        .collect()
}

impl Matrix {
    /// Both lists are in order of execution.
    fn fill(&mut self, plan: &Plan, rows: &[ExecutionRow], steps: &[StepStateRow], now: Timestamp) {
        let mut steps = steps;
        for row in rows {
            let before = steps.partition_point(|step| step.execution < row.id);
            let upto = steps.partition_point(|step| step.execution <= row.id);
            let ours: Vec<(StepId, StepState)> = steps[before..upto]
                .iter()
                .map(|step| (step.step, step.state))
                .collect();
            steps = &steps[upto..];
            self.cells.push(letters(plan, row.entity.is_none(), &ours));
            self.add(row, now);
        }
    }

    fn add(&mut self, row: &ExecutionRow, now: Timestamp) {
        let open = is_open(row).then(|| (row.account.cause(), row.account.since()));
        self.ids.push(row.id.0);
        self.entities.push(row.entity.clone());
        self.runs.push(row.run.0);
        self.states.push(row.state.name());
        self.causes.push(open.map(|(cause, _)| cause.kind.name()));
        self.abouts
            .push(open.and_then(|(cause, _)| cause.about.clone()));
        self.since.push(open.map(|(_, since)| rfc3339(since)));
        self.leaving.push(match (row.rolling_back, row.cancelling) {
            (true, _) => Some("rolling_back"),
            (_, true) if open.is_some() => Some("cancelling"),
            _ => None,
        });
        let end = row.ended_at.unwrap_or(now);
        let micros = row.started_at.map(|started| end.micros_since(started));
        self.micros.push(micros.unwrap_or(0).max(0));
        let code = row.error.as_ref().map(|error| error.code.clone());
        self.errors.push(code);
    }
}
