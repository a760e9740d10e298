//! Launching: a process and all its executions become visible in one commit, or nothing does (P1).
//!
//! A launch of many chunks stays `launching` until its last one: nobody lists or claims it, and whoever enters the store
//! next removes what was not finished.

use super::adapt;
use super::claim;
use super::deltas::Deltas;
use super::fault::{OrFault, damaged, fault};
use super::lanes::{self, Coming, Entry, pending_cause};
use super::rows::{get, process_state, to_json};
use super::session::{Session, execute, read, write};
use carril_model::account::{Cause, CauseKind};
use carril_model::contract::{Claim, Claimed, Fault, Launch, Launched, NewExecution};
use carril_model::definition::{Overlap, Version};
use carril_model::id::{ID_LIMIT, ProcessId};
use carril_model::state::{ExecutionState, ProcessState};
use carril_model::time::Timestamp;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Transaction, params};
use std::collections::HashMap;

/// A chunk of executions to write.
struct Chunk<'a> {
    process: i64,
    executions: &'a [NewExecution],
    /// The segment of the entities' first stage.
    segment: u32,
    at: Timestamp,
    /// When the process was launched, if that is another time.
    launched_at: Option<Timestamp>,
}

/// Begins a launch, and finishes it if `open` is given.
pub(crate) fn launch(
    connection: &mut Connection,
    session: &mut Session,
    launch: &Launch,
    first: &[NewExecution],
    open: Option<u32>,
) -> Result<Launched, Fault> {
    let (mut lanes, mut seen) = (Vec::new(), false);
    let launched = write(connection, |transaction| {
        let node = session.alive(transaction)?;
        if let Some(answered) = answer(transaction, launch)? {
            return Ok(answered);
        }
        let unsettled = same_unsettled(transaction, launch)?;
        let after = unsettled.filter(|_| launch.overlap != Overlap::Allow);
        let process = write_process(transaction, launch, after, first.len())?;
        adapt::begin(transaction, node.0, launch, process)?;
        let segment = launch.entity_segment.unwrap_or(0);
        let chunk = Chunk {
            process: process.0,
            executions: first,
            segment,
            at: launch.at,
            launched_at: None,
        };
        lanes = write_chunk(transaction, &session.coming, &chunk)?;
        let claimed = match open {
            Some(max) => finish(transaction, node, process, max, &lanes, launch.at)?,
            None => Vec::new(),
        };
        seen = session.see(transaction, launch.at)?;
        fail::fail_point!("store::launch::before_open", |_| Err(Fault::Unavailable(
            "failpoint in a launch".to_owned()
        )));
        Ok(Launched::New { process, claimed })
    })?;
    if seen {
        session.seen = launch.at;
    }
    if let (Launched::New { process, .. }, None) = (&launched, open) {
        session.coming.keep(*process, lanes);
    }
    fail::fail_point!("store::launch::after", |_| Err(Fault::Unavailable(
        "failpoint after a launch".to_owned()
    )));
    Ok(launched)
}

/// How a launch would be answered by a process that is there, if it would.
pub(crate) fn answered(
    connection: &mut Connection,
    launch: &Launch,
) -> Result<Option<Launched>, Fault> {
    read(connection, |transaction| answer(transaction, launch))
}

fn answer(transaction: &Transaction<'_>, launch: &Launch) -> Result<Option<Launched>, Fault> {
    if let Some(process) = repeated(transaction, launch)? {
        return Ok(Some(Launched::Repeated(process)));
    }
    if launch.overlap != Overlap::Skip {
        return Ok(None);
    }
    let unsettled = same_unsettled(transaction, launch)?;
    Ok(unsettled.map(Launched::Skipped))
}

/// Adds a chunk to a launching process, and finishes the launch if `open` is given. A repeated key removes the launch.
pub(crate) fn extend(
    connection: &mut Connection,
    session: &mut Session,
    process: ProcessId,
    more: &[NewExecution],
    open: Option<u32>,
    now: Timestamp,
) -> Result<Vec<Claimed>, Fault> {
    if open.is_some() || session.coming.is_full() {
        session.coming.list(connection)?;
    }
    let mut lanes = Vec::new();
    let extended = write(connection, |transaction| {
        let node = session.alive(transaction)?;
        let (segment, launched_at) = launching(transaction, process)?;
        let launched_at = Some(now).filter(|now| *now != launched_at);
        lanes = write_chunk(
            transaction,
            &session.coming,
            &Chunk {
                process: process.0,
                executions: more,
                segment,
                at: now,
                launched_at,
            },
        )?;
        let claimed = match open {
            Some(max) => finish(transaction, node, process, max, &lanes, now)?,
            None => Vec::new(),
        };
        fail::fail_point!("store::launch::before_open", |_| Err(Fault::Unavailable(
            "failpoint in a launch".to_owned()
        )));
        Ok(claimed)
    });
    match &extended {
        Ok(_) if open.is_none() => session.coming.keep(process, lanes),
        Err(Fault::Conflict(_)) => abandon(connection, session, process, now)?,
        _ => {}
    }
    fail::fail_point!("store::launch::after", |_| Err(Fault::Unavailable(
        "failpoint after a launch".to_owned()
    )));
    extended
}

/// Removes a launch that is not to be finished; anything else stays.
pub(crate) fn abandon(
    connection: &mut Connection,
    session: &mut Session,
    process: ProcessId,
    now: Timestamp,
) -> Result<(), Fault> {
    write(connection, |transaction| {
        remove_launch(transaction, process, now)
    })?;
    session.coming.forget(process);
    Ok(())
}

/// Removes a launching process with its executions, and gives on the lane keys that they headed.
pub(crate) fn remove_launch(
    transaction: &Transaction<'_>,
    process: ProcessId,
    now: Timestamp,
) -> Result<(), Fault> {
    let state = transaction
        .prepare_cached(sql!("process_state"))
        .or_fault()?
        .query_row([process.0], |row| row.get::<_, i64>(0))
        .optional()
        .or_fault()?;
    if state != Some(ProcessState::Launching.code()) {
        return Ok(());
    }
    let mut statement = transaction
        .prepare_cached(sql!("launch_lanes"))
        .or_fault()?;
    let hashes: Vec<i64> = statement
        .query_map([process.0], |row| row.get(0))
        .or_fault()?
        .collect::<Result<_, _>>()
        .or_fault()?;
    for statement in [
        sql!("launch_remove_lanes"),
        sql!("launch_remove_entities"),
        sql!("launch_remove_executions"),
        sql!("launch_remove_process"),
    ] {
        execute(transaction, statement, params![process.0])?;
    }
    for lane_hash in hashes {
        lanes::elect(transaction, &mut Deltas::default(), lane_hash, now)?;
    }
    Ok(())
}

fn repeated(transaction: &Transaction<'_>, launch: &Launch) -> Result<Option<ProcessId>, Fault> {
    let Some(key) = &launch.idempotency_key else {
        return Ok(None);
    };
    let mut statement = transaction
        .prepare_cached(sql!("process_of_key"))
        .or_fault()?;
    statement
        .query_row([key], |row| row.get(0).map(ProcessId))
        .optional()
        .or_fault()
}

/// The newest unsettled process of the same pipeline and parameters.
fn same_unsettled(
    transaction: &Transaction<'_>,
    launch: &Launch,
) -> Result<Option<ProcessId>, Fault> {
    let mut statement = transaction
        .prepare_cached(sql!("process_unsettled_same"))
        .or_fault()?;
    statement
        .query_row([launch.overlap_hash], |row| row.get(0).map(ProcessId))
        .optional()
        .or_fault()
}

/// Writes the process and its own execution, if it has one. Entities' executions come with their chunks.
fn write_process(
    transaction: &Transaction<'_>,
    launch: &Launch,
    after: Option<ProcessId>,
    entities: usize,
) -> Result<ProcessId, Fault> {
    if launch.ids_above > 0 {
        execute(
            transaction,
            sql!("sequence_raise"),
            params![launch.ids_above],
        )?;
    }
    let own = usize::from(launch.process_segment.is_some());
    let process = ProcessId(take_ids(transaction, 1 + own)?);
    insert_process(transaction, launch, process, after)?;
    if let Some(segment) = launch.process_segment {
        let mut statement = transaction
            .prepare_cached(sql!("execution_insert"))
            .or_fault()?;
        let execution = process.0 + 1;
        let chunk = Chunk {
            process: process.0,
            executions: &[],
            segment,
            at: launch.at,
            launched_at: None,
        };
        insert_execution(&mut statement, execution, &chunk, None, true)?;
    }
    tracing::debug!(
        process = process.0,
        entities,
        pipeline = launch.pipeline,
        "launching"
    );
    Ok(process)
}

/// The row of a launching process, whose own execution, if it has one, comes right after it.
fn insert_process(
    transaction: &Transaction<'_>,
    launch: &Launch,
    process: ProcessId,
    after: Option<ProcessId>,
) -> Result<(), Fault> {
    let own = launch.process_segment.map(|_| process.0 + 1);
    let values = params![
        process.0,
        definition_id(transaction, &launch.version)?,
        i64::from(launch.process_segment == Some(0)),
        process.0 + 1,
        own.unwrap_or(process.0),
        own,
        launch.entity_segment,
        launch.segments,
        launch.lanes,
        after.map(|after| after.0),
        launch.pipeline,
        to_json(&launch.params),
        launch.launched_by,
        launch.at.0,
        launch.overlap_hash,
        launch.idempotency_key,
        to_json(&launch.targets),
        launch.folder,
        launch.priority
    ];
    execute(transaction, sql!("process_insert"), values)?;
    Ok(())
}

/// Writes a chunk. Gives the lane keys that only one of its executions has, and nobody else, in order: they are to be listed yet.
fn write_chunk(
    transaction: &Transaction<'_>,
    coming: &Coming,
    chunk: &Chunk<'_>,
) -> Result<Vec<Entry>, Fault> {
    let first = take_ids(transaction, chunk.executions.len())?;
    let mut alone = HashMap::with_capacity(chunk.executions.len());
    {
        let mut execution_insert = transaction
            .prepare_cached(sql!("execution_insert"))
            .or_fault()?;
        let mut entity_insert = transaction
            .prepare_cached(sql!("entity_insert"))
            .or_fault()?;
        for (id, new) in (first..).zip(chunk.executions) {
            let ready = head_of(transaction, coming, &mut alone, new.lane_hash, id)?;
            insert_execution(&mut execution_insert, id, chunk, Some(new.lane_hash), ready)?;
            insert_entity(&mut entity_insert, id, chunk, new)?;
        }
    }
    let written = i64::try_from(chunk.executions.len()).unwrap_or(i64::MAX);
    let open = if chunk.segment == 0 { written } else { 0 };
    let last = first + written - 1;
    let values = params![chunk.process, written, open, last];
    execute(transaction, sql!("process_extend"), values)?;
    let mut alone: Vec<Entry> = alone.into_iter().collect();
    alone.sort_unstable();
    Ok(alone)
}

/// Whether a new execution heads its lane key. `alone` are the executions of the chunk that nobody shares a key with so far; a
/// key that is shared is listed at once, with all who have it.
fn head_of(
    connection: &Connection,
    coming: &Coming,
    alone: &mut HashMap<i64, i64>,
    lane_hash: i64,
    id: i64,
) -> Result<bool, Fault> {
    if let Some(other) = alone.remove(&lane_hash) {
        lanes::enter(connection, &[(lane_hash, other), (lane_hash, id)])?;
        return Ok(false);
    }
    if lanes::is_free(connection, coming, lane_hash)? {
        alone.insert(lane_hash, id);
        return Ok(true);
    }
    lanes::enter(connection, &[(lane_hash, id)])?;
    Ok(false)
}

fn insert_execution(
    statement: &mut CachedStatement<'_>,
    id: i64,
    chunk: &Chunk<'_>,
    lane_hash: Option<i64>,
    ready: bool,
) -> Result<(), Fault> {
    let (state, cause) = if chunk.segment == 0 {
        (ExecutionState::Pending, pending_cause(ready))
    } else {
        (ExecutionState::Waiting, Cause::plain(CauseKind::Barrier))
    };
    let values = params![
        id,
        chunk.process,
        state.code(),
        chunk.segment,
        ready,
        lane_hash.is_none(),
        lane_hash,
        chunk.at.0,
        cause.kind.name()
    ];
    statement.execute(values).or_fault()?;
    Ok(())
}

fn insert_entity(
    statement: &mut CachedStatement<'_>,
    id: i64,
    chunk: &Chunk<'_>,
    new: &NewExecution,
) -> Result<(), Fault> {
    let attributes = (!new.attributes.is_empty()).then(|| to_json(&new.attributes));
    let launched_at = chunk.launched_at.map(|at| at.0);
    match statement.execute(params![
        id,
        chunk.process,
        new.entity_key,
        attributes,
        launched_at
    ]) {
        Ok(_) => Ok(()),
        Err(error)
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) =>
        {
            Err(Fault::Conflict(format!(
                "the entity {:?} occurs twice; every entity's key must be there once",
                new.entity_key
            )))
        }
        Err(error) => Err(fault(&error)),
    }
}

/// Opens the process and claims the first executions, in the transaction that wrote the last chunk, whose `lanes` are listed now.
fn finish(
    transaction: &Transaction<'_>,
    node: carril_model::id::NodeId,
    process: ProcessId,
    max: u32,
    lanes: &[Entry],
    at: Timestamp,
) -> Result<Vec<Claimed>, Fault> {
    lanes::enter(transaction, lanes)?;
    let opened = execute(transaction, sql!("launch_open"), params![process.0])?;
    if opened != 1 {
        return Err(damaged(format!(
            "process {process} was launching and is not"
        )));
    }
    execute(transaction, sql!("definition_launched"), params![process.0])?;
    claim::claim(transaction, node, Claim { process, max }, at)
}

/// The entities' first segment and the launch time of a process that is launching.
fn launching(transaction: &Transaction<'_>, process: ProcessId) -> Result<(u32, Timestamp), Fault> {
    let found = transaction
        .prepare_cached(sql!("launch_read"))
        .or_fault()?
        .query_row([process.0], |row| {
            Ok((
                get::<i64>(row, 0),
                get::<Option<u32>>(row, 1),
                get::<i64>(row, 2),
            ))
        })
        .optional()
        .or_fault()?;
    let Some((state, segment, launched_at)) = found else {
        return Err(Fault::Conflict(format!(
            "there is no process {process}: its launch was removed"
        )));
    };
    match process_state(state?)? {
        ProcessState::Launching => Ok((segment?.unwrap_or(0), Timestamp(launched_at?))),
        state => Err(Fault::Conflict(format!(
            "process {process} is {state} and takes no more executions"
        ))),
    }
}

/// The number of a definition that was kept.
pub(super) fn definition_id(
    transaction: &Transaction<'_>,
    version: &Version,
) -> Result<i64, Fault> {
    let mut statement = transaction
        .prepare_cached(sql!("definition_id"))
        .or_fault()?;
    let found = statement
        .query_row([&version.0], |row| row.get(0))
        .optional()
        .or_fault()?;
    found.ok_or_else(|| {
        Fault::Conflict(format!(
            "the store has no definition {version}; it must be kept before it is launched"
        ))
    })
}

/// Takes a block of ids and gives its first.
pub(super) fn take_ids(transaction: &Transaction<'_>, many: usize) -> Result<i64, Fault> {
    let many = i64::try_from(many).unwrap_or(ID_LIMIT);
    let next: i64 = transaction
        .prepare_cached(sql!("sequence_take"))
        .or_fault()?
        .query_row([many], |row| row.get(0))
        .or_fault()?;
    if next > ID_LIMIT {
        return Err(Fault::Unavailable(format!(
            "the store has given out all ids below {ID_LIMIT}"
        )));
    }
    Ok(next - many)
}
