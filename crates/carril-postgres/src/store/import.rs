//! Processes that another program ran, written settled in one transaction, and counted before its commit; and where they came from.
//!
//! They take part in nothing: no lane key, no claim, no barrier. What they become is decided in the model. The import takes its
//! turn with launches, by the row that gives out ids, and is beside everything else.

use super::fault::damaged;
use super::launch::{definition_id, take_ids};
use super::lookup;
use super::rows::{count, get, int, owned_text, text, to_json};
use super::session::{Session, Turn, Tx, Values};
use carril_model::contract::{
    Fault, ImportDone, ImportRow, ImportedAttempt, ImportedExecution, ImportedProcess, NewImport,
};
use carril_model::id::ProcessId;
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;
use std::collections::HashSet;

/// Processes of one name that are told; sources are few.
const CALLED_MAX: i64 = 100;
/// Executions of one statement, with their attempts; enough that the way to the server does not count.
const CHUNK: usize = 2_000;

/// An execution with the ids that it gets.
struct Given<'a> {
    id: i64,
    process: i64,
    launched_at: Timestamp,
    execution: &'a ImportedExecution,
}

/// Writes what is not known yet, all of it or nothing.
pub(crate) async fn import(session: &mut Session, import: &NewImport) -> Result<ImportDone, Fault> {
    if let Some(refusal) = import.refusal() {
        return Err(Fault::Conflict(refusal));
    }
    session
        .write(Turn::Later, async |tx| {
            tx.row(sql!("sequence_turn"), &[]).await?;
            let known = known(tx, import).await?;
            let is_new = |process: &&ImportedProcess| !known.contains(text(&process.key).as_ref());
            let new: Vec<&ImportedProcess> = import.processes.iter().filter(is_new).collect();
            let mut done = ImportDone {
                known: (import.processes.len() - new.len()) as u64,
                ..ImportDone::default()
            };
            if !new.is_empty() {
                write_all(tx, import, &new, &mut done).await?;
            }
            Ok(done)
        })
        .await
}

async fn known(tx: &Tx<'_>, import: &NewImport) -> Result<HashSet<String>, Fault> {
    let keys: Vec<String> = import
        .processes
        .iter()
        .map(|process| owned_text(&process.key))
        .collect();
    let values: Values<'_> = &[&text(&import.source), &keys];
    let found = tx.rows(sql!("import_known"), values).await?;
    found.iter().map(|row| get(row, 0)).collect()
}

async fn write_all(
    tx: &Tx<'_>,
    import: &NewImport,
    new: &[&ImportedProcess],
    done: &mut ImportDone,
) -> Result<(), Fault> {
    lookup::keep(tx, &import.version, &import.definition, import.at).await?;
    let executions: usize = new.iter().map(|process| process.executions.len()).sum();
    let first = take_ids(tx, new.len() + executions).await?;
    let mut next = first;
    let (mut ids, mut given) = (
        Vec::with_capacity(new.len()),
        Vec::with_capacity(executions),
    );
    for process in new {
        ids.push(next);
        let of = process.executions.iter().zip(next + 1..);
        given.extend(of.map(|(execution, id)| Given {
            id,
            process: next,
            launched_at: process.launched_at,
            execution,
        }));
        done.added.push((process.key.clone(), ProcessId(next)));
        next += 1 + i64::try_from(process.executions.len()).unwrap_or(i64::MAX);
    }
    write_processes(tx, import, new, &ids).await?;
    for chunk in given.chunks(CHUNK) {
        write_executions(tx, chunk).await?;
        done.attempts += write_attempts(tx, chunk).await?;
    }
    done.executions = given.len() as u64;
    prove(tx, (first, next - 1), done).await
}

async fn write_processes(
    tx: &Tx<'_>,
    import: &NewImport,
    new: &[&ImportedProcess],
    ids: &[i64],
) -> Result<(), Fault> {
    let definition = definition_id(tx, &import.version).await?;
    let many = |state| -> Vec<i64> {
        let counts = new.iter().map(|process| process.count(state));
        counts
            .map(|count| i64::try_from(count).unwrap_or(i64::MAX))
            .collect()
    };
    let column = |of: fn(&ImportedProcess) -> i64| -> Vec<i64> {
        new.iter().map(|process| of(process)).collect()
    };
    let words = |of: fn(&ImportedProcess) -> &str| -> Vec<String> {
        new.iter().map(|process| owned_text(of(process))).collect()
    };
    let params: Vec<String> = new.iter().map(|process| to_json(&process.params)).collect();
    let (states, totals) = (
        column(|process| process.state.code()),
        column(|process| i64::try_from(process.executions.len()).unwrap_or(i64::MAX)),
    );
    let (began, ended) = (
        column(|process| process.launched_at.0),
        column(|process| process.ended_at.0),
    );
    let lanes = i64::from(import.definition.lanes.max);
    let (reasons, by) = (
        words(|process| &process.reason),
        words(|process| &process.launched_by),
    );
    let name = text(&import.definition.name);
    let values: Values<'_> = &[
        &definition,
        &lanes,
        &name,
        &tx.node.0,
        &ids,
        &states,
        &totals,
        &reasons,
        &params,
        &by,
        &began,
        &ended,
    ];
    tx.exactly(ids.len(), sql!("import_process"), values)
        .await?;
    let values: Values<'_> = &[
        &tx.node.0,
        &ids,
        &many(ExecutionState::Succeeded),
        &many(ExecutionState::Failed),
        &many(ExecutionState::Skipped),
        &many(ExecutionState::Cancelled),
    ];
    tx.exactly(ids.len(), sql!("import_tally"), values).await?;
    let keys = words(|process| &process.key);
    let values: Values<'_> = &[&text(&import.source), &import.at.0, &ids, &keys];
    tx.exactly(ids.len(), sql!("import_insert"), values).await
}

async fn write_executions(tx: &Tx<'_>, chunk: &[Given<'_>]) -> Result<(), Fault> {
    let column = |of: fn(&Given<'_>) -> i64| -> Vec<i64> { chunk.iter().map(of).collect() };
    let (ids, processes) = (column(|given| given.id), column(|given| given.process));
    let states = column(|given| given.execution.state.code());
    let (began, ended) = (
        column(|given| given.execution.started_at.0),
        column(|given| given.execution.ended_at.0),
    );
    let sums: Vec<Option<String>> = chunk
        .iter()
        .map(|given| given.execution.sums(given.launched_at))
        .map(|sums| (!sums.is_empty()).then(|| to_json(&sums)))
        .collect();
    let failed: Vec<Option<i64>> = chunk
        .iter()
        .map(|given| given.execution.failed_step.map(|step| i64::from(step.0)))
        .collect();
    let errors: Vec<Option<String>> = chunk
        .iter()
        .map(|given| {
            given
                .execution
                .attempts
                .iter()
                .find_map(|one| one.error.as_ref())
        })
        .map(|error| error.map(to_json))
        .collect();
    let values: Values<'_> = &[
        &ids, &processes, &states, &began, &ended, &sums, &failed, &errors,
    ];
    tx.exactly(ids.len(), sql!("import_execution"), values)
        .await?;
    let keys: Vec<String> = chunk
        .iter()
        .map(|given| owned_text(&given.execution.entity_key))
        .collect();
    let attributes: Vec<Option<String>> = chunk
        .iter()
        .map(|given| &given.execution.attributes)
        .map(|attributes| (!attributes.is_empty()).then(|| to_json(attributes)))
        .collect();
    let values: Values<'_> = &[&ids, &processes, &keys, &attributes];
    tx.exactly(ids.len(), sql!("import_entity"), values).await
}

/// Writes the attempts of a chunk, and gives how many there were.
async fn write_attempts(tx: &Tx<'_>, chunk: &[Given<'_>]) -> Result<u64, Fault> {
    let all: Vec<(i64, &ImportedAttempt)> = chunk
        .iter()
        .flat_map(|given| given.execution.attempts.iter().map(|one| (given.id, one)))
        .collect();
    if all.is_empty() {
        return Ok(0);
    }
    let column =
        |of: fn(&(i64, &ImportedAttempt)) -> i64| -> Vec<i64> { all.iter().map(of).collect() };
    let (ids, steps) = (column(|one| one.0), column(|one| i64::from(one.1.step.0)));
    let (numbers, states) = (
        column(|one| i64::from(one.1.attempt())),
        column(|one| one.1.state.code()),
    );
    let (began, micros) = (
        column(|one| one.1.began.0),
        column(|one| one.1.ended.micros_since(one.1.began)),
    );
    let values: Values<'_> = &[&ids, &steps, &numbers, &states, &began, &micros];
    tx.exactly(all.len(), sql!("import_step"), values).await?;
    let said: Vec<&(i64, &ImportedAttempt)> = all
        .iter()
        .filter(|(_, one)| one.reason.is_some() || one.error.is_some())
        .collect();
    let column = |of: fn(&(i64, &ImportedAttempt)) -> i64| -> Vec<i64> {
        said.iter().map(|one| of(one)).collect()
    };
    let (ids, steps) = (column(|one| one.0), column(|one| i64::from(one.1.step.0)));
    let (numbers, failures) = (
        column(|one| i64::from(one.1.attempt())),
        column(|one| i64::from(one.1.failures())),
    );
    let reasons: Vec<Option<String>> = said
        .iter()
        .map(|(_, one)| one.reason.as_deref().map(owned_text))
        .collect();
    let errors: Vec<Option<String>> = said
        .iter()
        .map(|(_, one)| one.error.as_ref().map(to_json))
        .collect();
    let values: Values<'_> = &[&ids, &steps, &numbers, &failures, &reasons, &errors];
    tx.exactly(said.len(), sql!("import_step_detail"), values)
        .await?;
    Ok(all.len() as u64)
}

/// Counts what lies under the ids that were given out, and refuses to commit anything else than what was given.
async fn prove(tx: &Tx<'_>, (first, last): (i64, i64), done: &ImportDone) -> Result<(), Fault> {
    let row = tx.row(sql!("import_counts"), &[&first, &last]).await?;
    let row = row.ok_or_else(|| damaged("what an import wrote cannot be counted"))?;
    let counted: Vec<u64> = (0..5).map(|at| count(&row, at)).collect::<Result<_, _>>()?;
    let right = [
        done.added.len() as u64,
        done.executions,
        done.executions,
        done.attempts,
        0,
    ];
    if counted == right {
        return Ok(());
    }
    Err(damaged(format!(
        "an import wrote {counted:?} where it was given {right:?} (processes, executions, entities, attempts, wrong numbers)"
    )))
}

/// Where a process came from.
pub(crate) async fn of(tx: &Tx<'_>, process: ProcessId) -> Result<Option<ImportRow>, Fault> {
    let found = tx.row(sql!("history_import"), &[&process.0]).await?;
    found.as_ref().map(row).transpose()
}

/// Processes that were called so where they came from.
pub(crate) async fn called(tx: &Tx<'_>, key: &str) -> Result<Vec<ImportRow>, Fault> {
    let values: Values<'_> = &[&key, &CALLED_MAX];
    let found = tx.rows(sql!("history_imported_as"), values).await?;
    found.iter().map(row).collect()
}

/// What came from a source.
pub(crate) async fn from(
    tx: &Tx<'_>,
    source: &str,
    above: Option<ProcessId>,
    max: u32,
) -> Result<Vec<ImportRow>, Fault> {
    let (above, max) = (above.map_or(0, |process| process.0), i64::from(max));
    let values: Values<'_> = &[&source, &above, &max];
    let found = tx.rows(sql!("history_imports"), values).await?;
    found.iter().map(row).collect()
}

fn row(row: &tokio_postgres::Row) -> Result<ImportRow, Fault> {
    Ok(ImportRow {
        process: ProcessId(int(row, 0)?),
        source: get(row, 1)?,
        key: get(row, 2)?,
        at: Timestamp(int(row, 3)?),
    })
}
