//! Processes that another program ran, written settled in one transaction, and counted before its commit; and where they came from.
//!
//! They take part in nothing: no lane key, no claim, no barrier. What they become is decided in the model.

use super::fault::{OrFault, damaged};
use super::launch::{definition_id, take_ids};
use super::lookup;
use super::rows::{count, get, to_json};
use super::session::{Session, execute, write};
use carril_model::contract::{
    Fault, ImportDone, ImportRow, ImportedExecution, ImportedProcess, NewImport,
};
use carril_model::id::ProcessId;
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, ToSql, params};

/// Processes of one name that are told; sources are few.
const CALLED_MAX: u32 = 100;

/// Writes what is not known yet, all of it or nothing.
pub(crate) fn import(
    connection: &mut Connection,
    session: &Session,
    import: &NewImport,
) -> Result<ImportDone, Fault> {
    if let Some(refusal) = import.refusal() {
        return Err(Fault::Conflict(refusal));
    }
    write(connection, |transaction| {
        session.alive(transaction)?;
        let mut new = Vec::with_capacity(import.processes.len());
        for process in &import.processes {
            if !is_known(transaction, &import.source, &process.key)? {
                new.push(process);
            }
        }
        let known = (import.processes.len() - new.len()) as u64;
        let mut done = ImportDone {
            known,
            ..ImportDone::default()
        };
        if new.is_empty() {
            return Ok(done);
        }
        lookup::keep(transaction, &import.version, &import.definition, import.at)?;
        let definition = definition_id(transaction, &import.version)?;
        let executions: usize = new.iter().map(|process| process.executions.len()).sum();
        let first = take_ids(transaction, new.len() + executions)?;
        let mut id = first;
        for process in new {
            id = write_process(transaction, import, definition, process, id, &mut done)?;
        }
        prove(transaction, (first, id - 1), &done)?;
        fail::fail_point!("store::import::before_commit", |_| Err(Fault::Unavailable(
            "failpoint in an import".to_owned()
        )));
        Ok(done)
    })
}

fn is_known(connection: &Connection, source: &str, key: &str) -> Result<bool, Fault> {
    let mut statement = connection.prepare_cached(sql!("import_known")).or_fault()?;
    let found = statement.query_row(params![source, key], |_| Ok(()));
    Ok(found.optional().or_fault()?.is_some())
}

/// Writes a process with its executions, under the ids from `id` on, and gives the next free one.
fn write_process(
    connection: &Connection,
    import: &NewImport,
    definition: i64,
    process: &ImportedProcess,
    id: i64,
    done: &mut ImportDone,
) -> Result<i64, Fault> {
    let executions = i64::try_from(process.executions.len()).unwrap_or(i64::MAX);
    let many = |state| i64::try_from(process.count(state)).unwrap_or(i64::MAX);
    let values = params![
        id,
        definition,
        process.state.code(),
        executions,
        many(ExecutionState::Succeeded),
        many(ExecutionState::Failed),
        many(ExecutionState::Skipped),
        many(ExecutionState::Cancelled),
        id + executions,
        import.definition.lanes.max,
        process.reason,
        import.definition.name,
        to_json(&process.params),
        process.launched_by,
        process.launched_at.0,
        process.ended_at.0
    ];
    execute(connection, sql!("import_process"), values)?;
    let values = params![id, import.source, process.key, import.at.0];
    execute(connection, sql!("import_insert"), values)?;
    for (execution, at) in process.executions.iter().zip(id + 1..) {
        write_execution(
            connection,
            (ProcessId(id), process.launched_at),
            at,
            execution,
        )?;
        done.attempts += execution.attempts.len() as u64;
    }
    done.executions += process.executions.len() as u64;
    done.added.push((process.key.clone(), ProcessId(id)));
    Ok(id + 1 + executions)
}

fn write_execution(
    connection: &Connection,
    (process, launched_at): (ProcessId, Timestamp),
    id: i64,
    execution: &ImportedExecution,
) -> Result<(), Fault> {
    let sums = execution.sums(launched_at);
    let mut errors = execution
        .attempts
        .iter()
        .filter_map(|one| one.error.as_ref());
    let values = params![
        id,
        process.0,
        execution.state.code(),
        execution.started_at.0,
        execution.ended_at.0,
        (!sums.is_empty()).then(|| to_json(&sums)),
        execution.failed_step.map(|step| step.0),
        errors.next().map(to_json)
    ];
    execute(connection, sql!("import_execution"), values)?;
    let attributes = (!execution.attributes.is_empty()).then(|| to_json(&execution.attributes));
    let launched: Option<i64> = None;
    let values = params![id, process.0, execution.entity_key, attributes, launched];
    execute(connection, sql!("entity_insert"), values)?;
    for one in &execution.attempts {
        let micros = one.ended.micros_since(one.began);
        let values: [&dyn ToSql; 6] = [
            &id,
            &one.step.0,
            &one.attempt(),
            &one.state.code(),
            &one.began.0,
            &micros,
        ];
        execute(connection, sql!("import_step"), &values)?;
        if one.reason.is_some() || one.error.is_some() {
            let error = one.error.as_ref().map(to_json);
            let values = params![
                id,
                one.step.0,
                one.attempt(),
                one.failures(),
                one.reason,
                error
            ];
            execute(connection, sql!("import_step_detail"), values)?;
        }
    }
    Ok(())
}

/// Counts what lies under the ids that were given out, and refuses to commit anything else than what was given.
fn prove(
    connection: &Connection,
    (first, last): (i64, i64),
    done: &ImportDone,
) -> Result<(), Fault> {
    let mut statement = connection
        .prepare_cached(sql!("import_counts"))
        .or_fault()?;
    let counted = statement
        .query_row(params![first, last], |row| {
            Ok((0..5)
                .map(|at| count(row, at))
                .collect::<Result<Vec<u64>, Fault>>())
        })
        .or_fault()??;
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
pub(crate) fn of(connection: &Connection, process: ProcessId) -> Result<Option<ImportRow>, Fault> {
    Ok(rows(connection, sql!("history_import"), params![process.0])?.pop())
}

/// Processes that were called so where they came from.
pub(crate) fn called(connection: &Connection, key: &str) -> Result<Vec<ImportRow>, Fault> {
    rows(
        connection,
        sql!("history_imported_as"),
        params![key, CALLED_MAX],
    )
}

/// What came from a source.
pub(crate) fn from(
    connection: &Connection,
    source: &str,
    above: Option<ProcessId>,
    max: u32,
) -> Result<Vec<ImportRow>, Fault> {
    let above = above.map_or(0, |process| process.0);
    rows(
        connection,
        sql!("history_imports"),
        params![source, above, max],
    )
}

fn rows(
    connection: &Connection,
    query: &str,
    values: &[&dyn ToSql],
) -> Result<Vec<ImportRow>, Fault> {
    let mut statement = connection.prepare_cached(query).or_fault()?;
    let mut found = statement.query(values).or_fault()?;
    let mut imports = Vec::new();
    while let Some(row) = found.next().or_fault()? {
        imports.push(ImportRow {
            process: ProcessId(get(row, 0)?),
            source: get(row, 1)?,
            key: get(row, 2)?,
            at: Timestamp(get(row, 3)?),
        });
    }
    Ok(imports)
}
