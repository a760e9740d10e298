//! What the engine looks up: definitions, processes, selections, attempts, and the requests of others.

use super::claim::latest_steps;
use super::commit::find_process;
use super::fault::OrFault;
use super::hot::Hot;
use super::rows::{from_json, list_json, to_json};
use super::session::{execute, read, write};
use carril_model::contract::{Answer, Fault, Owned, ProcessRow, Request, Selection, StepRow, Wish};
use carril_model::definition::{Action, Definition, Version};
use carril_model::id::{ExecutionId, ProcessId, RequestId};
use carril_model::plan::Plan;
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, ToSql, params};

/// Requests that are handed out at once.
const REQUESTS_MAX: u32 = 100;

/// Keeps a definition, with the names of its steps; a second time is no change.
pub(crate) fn define(
    connection: &mut Connection,
    version: &Version,
    definition: &Definition,
    now: Timestamp,
) -> Result<(), Fault> {
    write(connection, |transaction| {
        keep(transaction, version, definition, now)
    })
}

/// The same within a transaction.
pub(crate) fn keep(
    transaction: &Connection,
    version: &Version,
    definition: &Definition,
    now: Timestamp,
) -> Result<(), Fault> {
    if definition.version() != *version {
        return Err(Fault::Conflict(format!(
            "definition {:?} does not have version {version}",
            definition.name
        )));
    }
    let values = params![version.0, definition.name, to_json(definition), now.0];
    let added = execute(transaction, sql!("definition_insert"), values)?;
    if added == 0 {
        // The same meaning may stand elsewhere in its file by now, and errors name the place.
        let values = params![version.0, to_json(definition)];
        execute(transaction, sql!("definition_move"), values)?;
        return Ok(());
    }
    let plan = Plan::new(definition.clone());
    name_steps(transaction, transaction.last_insert_rowid(), &plan)
}

/// Keeps the names behind a definition's step numbers.
fn name_steps(connection: &Connection, definition: i64, plan: &Plan) -> Result<(), Fault> {
    let workspace = plan.definition().workspace.as_ref();
    for planned in plan.steps() {
        let step = plan.step(planned.id);
        let resources = list_json(&step.resources);
        let target = match &step.action {
            Action::Sql { target, .. } => Some(target.as_str()),
            Action::Publish { .. } => workspace.map(|workspace| workspace.target.as_str()),
            Action::Command { .. }
            | Action::Http(_)
            | Action::Function { .. }
            | Action::Noop
            | Action::Wait(_) => None,
        };
        let stage = &plan.stage_of(planned.id).name;
        let values = params![
            definition,
            planned.id.0,
            stage,
            step.name,
            resources,
            target
        ];
        execute(connection, sql!("definition_step_insert"), values)?;
    }
    Ok(())
}

/// A definition that was kept.
pub(crate) fn definition(connection: &Connection, version: &Version) -> Result<Definition, Fault> {
    let mut statement = connection
        .prepare_cached(sql!("definition_read"))
        .or_fault()?;
    let body: Option<String> = statement
        .query_row([&version.0], |row| row.get(0))
        .optional()
        .or_fault()?;
    match body {
        Some(body) => from_json(&body),
        None => Err(Fault::Conflict(format!(
            "the store has no definition {version}"
        ))),
    }
}

/// One process.
pub(crate) fn process(connection: &Connection, process: ProcessId) -> Result<ProcessRow, Fault> {
    find_process(connection, process)?
        .ok_or_else(|| Fault::Conflict(format!("there is no process {process}")))
}

/// What a selection means, chunk by chunk in order of id. Ids that are nobody's are left out.
pub(crate) fn select(
    connection: &mut Connection,
    selection: &Selection,
    above: Option<ExecutionId>,
    max: u32,
) -> Result<Vec<(Owned, ExecutionState, u32)>, Fault> {
    let above = above.map_or(-1, |id| id.0);
    read(connection, |transaction| {
        let found = match selection {
            Selection::Process(process) => found(
                transaction,
                sql!("select_process"),
                &[&process.0, &above, &max],
            )?,
            Selection::Unsuccessful(process) => found(
                transaction,
                sql!("select_unsuccessful"),
                &[&process.0, &above, &max],
            )?,
            Selection::Executions(named) => {
                let mut ids: Vec<ExecutionId> =
                    named.iter().copied().filter(|id| id.0 > above).collect();
                ids.sort_unstable();
                ids.dedup();
                let mut found = Vec::new();
                for id in ids {
                    if found.len() < max as usize {
                        found.extend(Hot::read(transaction, id)?);
                    }
                }
                found
            }
        };
        Ok(found
            .into_iter()
            .map(|hot| (hot.owned(), hot.state, hot.segment))
            .collect())
    })
}

fn found(connection: &Connection, query: &str, values: &[&dyn ToSql]) -> Result<Vec<Hot>, Fault> {
    let mut statement = connection.prepare_cached(query).or_fault()?;
    let mut rows = statement.query(values).or_fault()?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().or_fault()? {
        found.push(Hot::of(row)?);
    }
    Ok(found)
}

/// The latest attempt of each step of an execution's present run.
pub(crate) fn steps(
    connection: &mut Connection,
    execution: ExecutionId,
) -> Result<Vec<StepRow>, Fault> {
    read(connection, |transaction| {
        match Hot::read(transaction, execution)? {
            Some(hot) => latest_steps(transaction, execution, hot.run),
            None => Err(Fault::Conflict(format!(
                "there is no execution {execution}"
            ))),
        }
    })
}

/// Requests that nobody has answered, oldest first.
pub(crate) fn requests(connection: &Connection) -> Result<Vec<Request>, Fault> {
    let mut statement = connection.prepare_cached(sql!("request_find")).or_fault()?;
    let mut rows = statement.query([REQUESTS_MAX]).or_fault()?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().or_fault()? {
        let wish: String = row.get(1).or_fault()?;
        found.push(Request {
            id: RequestId(row.get(0).or_fault()?),
            wish: from_json::<Wish>(&wish)?,
        });
    }
    Ok(found)
}

/// Answers a request; one that was withdrawn or answered meanwhile stays as it is.
pub(crate) fn answer(
    connection: &mut Connection,
    request: RequestId,
    answer: &Answer,
    now: Timestamp,
) -> Result<(), Fault> {
    write(connection, |transaction| {
        let values = params![request.0, to_json(answer), now.0];
        execute(transaction, sql!("request_answer"), values)?;
        Ok(())
    })
}
