//! What somebody means by an id: a process, an execution, or an entity by its key.
//!
//! Processes and executions share one row of numbers, so a number means one thing. A number that is neither is tried as
//! an entity's key, and then as what an imported process was called where it came from; `entity:KEY` is always a key. Only reads.

use crate::exit::Exit;
use crate::failure::Failure;
use carril::model::account::CauseKind;
use carril::model::contract::{
    ExecutionFilter, ExecutionRow, History, ImportRow, NodeRow, ProcessFilter, ProcessRow,
};
use carril::model::id::{ExecutionId, ProcessId};
use carril::model::time::Timestamp;
use carril::{EngineSeen, Reader};
use std::collections::BTreeMap;

/// Most executions of one entity that are shown.
const OF_ENTITY_MAX: u32 = 50;
/// Executions asked for in one go.
const PAGE: u32 = 1_000;

/// What an id means.
#[derive(Debug)]
pub(crate) enum Found {
    /// A process.
    Process(Box<ProcessRow>),
    /// An execution.
    Execution(Box<ExecutionRow>),
    /// An entity: its key and its executions, newest first; never empty.
    Entity(String, Vec<ExecutionRow>),
}

/// Finds what `text` means.
///
/// # Errors
/// `CAR0803` when it means nothing here, else what the store says.
pub(crate) async fn find(history: &dyn History, text: &str) -> Result<Found, Failure> {
    let key = text.strip_prefix("entity:");
    if key.is_none()
        && let Ok(number) = text.parse::<i64>()
    {
        if let Some(process) = process(history, ProcessId(number)).await? {
            return Ok(Found::Process(Box::new(process)));
        }
        if let Some(execution) = history.execution(ExecutionId(number)).await? {
            return Ok(Found::Execution(Box::new(execution)));
        }
    }
    let key = key.unwrap_or(text);
    let executions = history.of_entity(key, OF_ENTITY_MAX).await?;
    if executions.is_empty() {
        // The newest where several sources have the same.
        let imported = history.imported_as(text).await?.pop();
        let process = match imported {
            Some(imported) => process(history, imported.process).await?,
            None => None,
        };
        process
            .map(|process| Found::Process(Box::new(process)))
            .ok_or_else(|| nothing(text))
    } else {
        Ok(Found::Entity(key.to_owned(), executions))
    }
}

/// Who works on a store, if anybody does: its engine, or all of those that share it.
///
/// # Errors
/// As the store.
pub(crate) async fn at_work(reader: &Reader) -> Result<Option<String>, Failure> {
    if let EngineSeen::Running(holder) = reader.engine() {
        return Ok(Some(holder.to_string()));
    }
    let nodes = reader.nodes().await?;
    let named: Vec<String> = nodes.iter().map(node).collect();
    Ok((!named.is_empty()).then(|| named.join(", ")))
}

/// `` `carril worker .`, process 12 on host ``.
pub(crate) fn node(node: &NodeRow) -> String {
    format!("`{}`, process {} on {}", node.command, node.pid, node.host)
}

/// The process with this id, if there is one.
pub(crate) async fn process(
    history: &dyn History,
    id: ProcessId,
) -> Result<Option<ProcessRow>, Failure> {
    let filter = ProcessFilter {
        before: Some(ProcessId(id.0.saturating_add(1))),
        max: 1,
        ..ProcessFilter::default()
    };
    Ok(history
        .processes(&filter)
        .await?
        .into_iter()
        .find(|row| row.id == id))
}

/// The process with this id.
///
/// # Errors
/// `CAR0803` when there is none.
pub(crate) async fn known_process(
    history: &dyn History,
    id: ProcessId,
) -> Result<ProcessRow, Failure> {
    match process(history, id).await? {
        Some(row) => Ok(row),
        None => Err(no_process(history, id).await),
    }
}

/// Where an imported process came from, as a line for people.
pub(crate) fn origin(import: &ImportRow) -> String {
    format!("{}, {}", import.source, import.key)
}

/// The newest process, if there is one.
pub(crate) async fn newest(history: &dyn History) -> Result<Option<ProcessRow>, Failure> {
    let filter = ProcessFilter {
        max: 1,
        ..ProcessFilter::default()
    };
    Ok(history.processes(&filter).await?.pop())
}

/// The newest process.
///
/// # Errors
/// `CAR0803` when there is none.
pub(crate) async fn newest_process(history: &dyn History) -> Result<ProcessRow, Failure> {
    newest(history).await?.ok_or_else(|| {
        Failure::new(Exit::Nothing, "CAR0803", "this store holds no process yet")
            .help("`carril run DIR` makes one; `--store URL` names another store")
    })
}

/// Microseconds a process took.
pub(crate) async fn worked(
    history: &dyn History,
    row: &ProcessRow,
    now: Timestamp,
) -> Result<i64, Failure> {
    Ok(carril::shape::worked(history, row, now).await?)
}

/// What the executions of a process are at, as long as it has not ended.
///
/// # Errors
/// As the store.
pub(crate) async fn causes(
    history: &dyn History,
    row: &ProcessRow,
) -> Result<BTreeMap<CauseKind, u64>, Failure> {
    if row.state.is_settled() {
        return Ok(BTreeMap::new());
    }
    Ok(history.causes(row.id).await?)
}

/// Processes, each with the microseconds that it took.
pub(crate) async fn with_worked(
    history: &dyn History,
    rows: Vec<ProcessRow>,
    now: Timestamp,
) -> Result<Vec<(ProcessRow, i64)>, Failure> {
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let micros = worked(history, &row, now).await?;
        found.push((row, micros));
    }
    Ok(found)
}

/// Executions of a process, at most `max`, by pages.
pub(crate) async fn executions(
    history: &dyn History,
    process: ProcessId,
    filter: &ExecutionFilter,
) -> Result<Vec<ExecutionRow>, Failure> {
    let mut found: Vec<ExecutionRow> = Vec::new();
    let max = filter.max as usize;
    while found.len() < max {
        let rest = u32::try_from(max - found.len()).unwrap_or(PAGE);
        let after = found.last().map(|row| row.id).or(filter.after);
        let page = ExecutionFilter {
            after,
            max: rest.min(PAGE),
            ..filter.clone()
        };
        let rows = history.executions(process, &page).await?;
        let ended = rows.len() < page.max as usize;
        found.extend(rows);
        if ended {
            break;
        }
    }
    Ok(found)
}

fn nothing(text: &str) -> Failure {
    Failure::new(Exit::Nothing, "CAR0803", format!("`{text}` is no process, no execution and no entity of this store"))
        .help("`carril ps` lists processes, `carril show PROCESS` its executions; `--store URL` names another store")
}

/// Why a number is no process, and what it is instead: people read numbers of executions and keys of entities, too.
async fn no_process(history: &dyn History, id: ProcessId) -> Failure {
    match history.execution(ExecutionId(id.0)).await {
        Ok(Some(row)) => {
            let of = row.process;
            let entity = row
                .entity
                .map_or_else(String::new, |key| format!(" ({key})"));
            let message = format!("{id} is no process but an execution{entity} of process {of}");
            Failure::new(Exit::Nothing, "CAR0803", message).help(format!("give the process: {of}"))
        }
        Ok(None) => of_key(history, &id.to_string(), "process").await,
        Err(fault) => fault.into(),
    }
}

/// Why a text is no execution, and what it is instead.
pub(crate) async fn no_execution(history: &dyn History, text: &str) -> Failure {
    let number = text.parse().map(ProcessId);
    let found = match number {
        Ok(id) => process(history, id).await,
        Err(_) => Ok(None),
    };
    match found {
        Ok(Some(row)) => {
            let message = format!("{text} is no execution but a process ({})", row.pipeline);
            Failure::new(Exit::Nothing, "CAR0803", message)
                .help(format!("`carril show {text}` lists its executions"))
        }
        Ok(None) => of_key(history, text, "execution").await,
        Err(failure) => failure,
    }
}

/// Why a process has no such entity.
pub(crate) fn no_entity(process: ProcessId, key: &str) -> Failure {
    let message = format!("process {process} has no entity `{key}`");
    Failure::new(Exit::Nothing, "CAR0803", message)
        .help(format!("`carril show {process}` lists its entities"))
}

/// Why a text is not what was asked for; when it is the key of an entity, where that one's newest execution is.
async fn of_key(history: &dyn History, text: &str, wanted: &str) -> Failure {
    match history.of_entity(text, 1).await {
        Ok(rows) => rows.first().map_or_else(
            || nothing(text),
            |row| {
                let (id, of) = (row.id, row.process);
                let message = format!("`{text}` is no {wanted} of this store but the key of an entity");
                Failure::new(Exit::Nothing, "CAR0803", message).help(format!(
                    "its newest execution is {id}, of process {of}; `carril show entity:{text}` lists them all"
                ))
            },
        ),
        Err(fault) => fault.into(),
    }
}
