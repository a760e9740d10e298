//! Launching: a process and all its executions become visible in one commit, or nothing does (P1).
//!
//! A launch of many chunks stays `launching` until its last one: nobody lists or claims it, and it is removed when its engine is
//! dead. Launches take turns, by the row that gives out ids, so that ids are given out in the order of commits: who is first of a
//! lane key goes by ids. Only a chunk's last statements, which look who else has a key, are done alone in the store.

use super::adapt;
use super::claim;
use super::desk::Desk;
use super::fault::damaged;
use super::lanes;
use super::rows::{get, int, maybe, process_state, text, to_json};
use super::session::{Session, Turn, Tx, Values};
use carril_model::contract::{Claim, Claimed, Fault, Launch, Launched, NewExecution};
use carril_model::definition::{Overlap, Version};
use carril_model::id::{ID_LIMIT, ProcessId};
use carril_model::state::{ExecutionState, ProcessState};
use carril_model::time::Timestamp;
use futures_util::future::{try_join, try_join3, try_join4, try_join5};
use std::collections::HashSet;

/// A chunk of executions to write.
struct Chunk<'a> {
    process: i64,
    executions: &'a [NewExecution],
    /// The segment of the entities' first stage.
    segment: u32,
    at: Timestamp,
    /// When the process was launched, if that is another time.
    launched_at: Option<Timestamp>,
    /// The segment of the process's own execution, where it is written with this chunk.
    own_segment: Option<u32>,
}

/// Begins a launch, and finishes it if `open` is given.
pub(crate) async fn launch(
    session: &mut Session,
    launch: &Launch,
    first: &[NewExecution],
    open: Option<u32>,
) -> Result<Launched, Fault> {
    session
        .write(Turn::Later, async |tx| {
            let own = launch.process_segment.is_some();
            let many = 1 + usize::from(own) + first.len();
            let begun = begin(tx, launch, many).await?;
            let answered = match answer(tx, launch, begun.unsettled).await? {
                Some(answered) => Some(answered),
                None => before(tx, &launch.pipeline).await?.map(Launched::Behind),
            };
            if let Some(answered) = answered {
                give_back_ids(tx, many).await?;
                return Ok(answered);
            }
            let process = ProcessId(begun.first);
            let chunk = Chunk {
                process: process.0,
                executions: first,
                segment: launch.entity_segment.unwrap_or(0),
                at: launch.at,
                launched_at: None,
                own_segment: launch.process_segment,
            };
            let new = New {
                launch,
                definition: begun.definition,
                after: begun.unsettled.filter(|_| launch.overlap != Overlap::Allow),
            };
            let first = begun.first + 1 + i64::from(own);
            write_chunk(tx, Some(&new), &chunk, (first, open.is_some())).await?;
            let claimed = match open {
                Some(max) => claim_first(tx, process, max, launch.at).await?,
                None => Vec::new(),
            };
            Ok(Launched::New { process, claimed })
        })
        .await
}

/// What a launch knows before it writes.
struct Begun {
    /// The newest that has not settled, of the same pipeline and parameters.
    unsettled: Option<ProcessId>,
    definition: i64,
    /// The first of its ids.
    first: i64,
}

/// Waits for the launch's turn, then looks and takes ids, all of it sent in one go.
async fn begin(tx: &Tx<'_>, launch: &Launch, many: usize) -> Result<Begun, Fault> {
    tx.prepare_all(&[
        sql!("sequence_turn"),
        sql!("process_unsettled_same"),
        sql!("definition_id"),
        sql!("sequence_raise"),
        sql!("sequence_take"),
    ])
    .await?;
    let raise = async {
        if launch.ids_above > 0 {
            tx.execute(sql!("sequence_raise"), &[&launch.ids_above])
                .await?;
        }
        Ok(())
    };
    let (_, unsettled, definition, (), first) = try_join5(
        tx.row(sql!("sequence_turn"), &[]),
        same_unsettled(tx, launch),
        definition_id(tx, &launch.version),
        raise,
        take_ids(tx, many),
    )
    .await?;
    Ok(Begun {
        unsettled,
        definition,
        first,
    })
}

/// How a launch would be answered by a process that is there, if it would; `unsettled` is the newest of the same parameters.
pub(crate) async fn answer(
    tx: &Tx<'_>,
    launch: &Launch,
    unsettled: Option<ProcessId>,
) -> Result<Option<Launched>, Fault> {
    if let Some(key) = &launch.idempotency_key {
        let found = tx.row(sql!("process_of_key"), &[&text(key)]).await?;
        if let Some(row) = found {
            return Ok(Some(Launched::Repeated(ProcessId(int(&row, 0)?))));
        }
    }
    if launch.overlap != Overlap::Skip {
        return Ok(None);
    }
    Ok(unsettled.map(Launched::Skipped))
}

/// The launch of a pipeline that another engine is writing, chunk by chunk: all its ids come before those of the next. What is left
/// of one of this engine's own is in nobody's way, as an engine's launches of one pipeline take turns.
async fn before(tx: &Tx<'_>, pipeline: &str) -> Result<Option<ProcessId>, Fault> {
    if tx.is_sole() {
        return Ok(None);
    }
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&text(pipeline), &tx.node.0];
    let found = tx.row(sql!("launch_before"), &values).await?;
    found.map(|row| int(&row, 0).map(ProcessId)).transpose()
}

/// Adds a chunk to a launching process, and finishes the launch if `open` is given. A repeated key removes the launch.
pub(crate) async fn extend(
    session: &mut Session,
    process: ProcessId,
    more: &[NewExecution],
    open: Option<u32>,
    now: Timestamp,
) -> Result<Vec<Claimed>, Fault> {
    let extended = session
        .write(Turn::Later, async |tx| {
            tx.prepare_all(&[
                sql!("sequence_turn"),
                sql!("launch_read"),
                sql!("sequence_take"),
            ])
            .await?;
            let (_, (segment, launched_at), first) = try_join3(
                tx.row(sql!("sequence_turn"), &[]),
                launching(tx, process),
                take_ids(tx, more.len()),
            )
            .await?;
            let chunk = Chunk {
                process: process.0,
                executions: more,
                segment,
                at: now,
                launched_at: Some(now).filter(|now| *now != launched_at),
                own_segment: None,
            };
            write_chunk(tx, None, &chunk, (first, open.is_some())).await?;
            match open {
                Some(max) => claim_first(tx, process, max, now).await,
                None => Ok(Vec::new()),
            }
        })
        .await;
    if matches!(extended, Err(Fault::Conflict(_))) {
        abandon(session, process, now).await?;
    }
    extended
}

/// Removes a launch that is not to be finished; anything else stays.
pub(crate) async fn abandon(
    session: &mut Session,
    process: ProcessId,
    now: Timestamp,
) -> Result<(), Fault> {
    session
        .write_unentered(Turn::Alone, async |tx| {
            remove_launch(tx, process, now).await
        })
        .await
}

/// Removes a launching process with its executions, and gives on the lane keys that they headed.
pub(crate) async fn remove_launch(
    tx: &Tx<'_>,
    process: ProcessId,
    now: Timestamp,
) -> Result<(), Fault> {
    let row = tx.row(sql!("process_state"), &[&process.0]).await?;
    let state = row.map(|row| int(&row, 0)).transpose()?;
    if state != Some(ProcessState::Launching.code()) {
        return Ok(());
    }
    let mut desk = Desk::default();
    for row in tx.rows(sql!("launch_lanes"), &[&process.0]).await? {
        desk.freed.insert(int(&row, 0)?, now);
    }
    for query in [
        sql!("launch_remove_entities"),
        sql!("launch_remove_executions"),
        sql!("tally_remove"),
        sql!("launch_remove_process"),
    ] {
        tx.execute(query, &[&process.0]).await?;
    }
    lanes::elect(tx, &mut desk).await?;
    desk.flush(tx).await
}

/// The newest unsettled process of the same pipeline and parameters.
pub(super) async fn same_unsettled(
    tx: &Tx<'_>,
    launch: &Launch,
) -> Result<Option<ProcessId>, Fault> {
    let query = sql!("process_unsettled_same");
    let found = tx.row(query, &[&launch.overlap_hash]).await?;
    found.map(|row| int(&row, 0).map(ProcessId)).transpose()
}

/// A process whose row is to be written.
struct New<'a> {
    launch: &'a Launch,
    definition: i64,
    /// The process that it comes after.
    after: Option<ProcessId>,
}

/// Writes the row of a launching process, whose own execution, if it has one, comes right after it.
async fn write_process(tx: &Tx<'_>, new: &New<'_>, process: i64) -> Result<(), Fault> {
    let launch = new.launch;
    let opened = i64::from(launch.process_segment == Some(0));
    let own = launch.process_segment.map(|_| process + 1);
    let priority = i64::from(launch.priority);
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 20] = [
        &process,
        &new.definition,
        &opened,
        &(process + 1),
        &own.unwrap_or(process),
        &own,
        &launch.entity_segment.map(i64::from),
        &i64::from(launch.segments),
        &i64::from(launch.lanes),
        &new.after.map(|after| after.0),
        &text(&launch.pipeline),
        &to_json(&launch.params),
        &text(&launch.launched_by),
        &launch.at.0,
        &launch.overlap_hash,
        &launch.idempotency_key.as_deref().map(text),
        &to_json(&launch.targets),
        &launch.folder.as_deref().map(text),
        &priority,
        &tx.node.0,
    ];
    let (_, ()) = try_join(
        tx.exactly(1, sql!("process_insert"), &values),
        adapt::begin(tx, launch, ProcessId(process)),
    )
    .await?;
    Ok(())
}

/// Writes a chunk whose executions have ids from `first` on, after its process if that is `new`: its entities beside whatever others
/// do, its executions alone in the store, where it is seen who has their keys. Opens the process if it is to. All of it is sent in one
/// go, and none of it counts where one statement fails.
async fn write_chunk(
    tx: &Tx<'_>,
    new: Option<&New<'_>>,
    chunk: &Chunk<'_>,
    (first, opens): (i64, bool),
) -> Result<(), Fault> {
    tx.prepare_all(&[
        sql!("process_insert"),
        sql!("lanes_begin"),
        sql!("entity_insert"),
        sql!("turnstile_alone"),
        sql!("node_alive"),
        sql!("execution_insert"),
        sql!("process_extend"),
        sql!("launch_open"),
        sql!("definition_launched"),
    ])
    .await?;
    let ids: Vec<i64> = (first..).take(chunk.executions.len()).collect();
    let process = async {
        match new {
            Some(new) => write_process(tx, new, chunk.process).await,
            None => Ok(()),
        }
    };
    let own = async {
        let Some(segment) = chunk.own_segment else {
            return Ok(());
        };
        let (own, key) = (vec![chunk.process + 1], vec![None::<i64>]);
        write_executions(tx, chunk, segment, &own, &key, true).await
    };
    let entities = try_join4(process, write_entities(tx, chunk, &ids), tx.alone(), own);
    let executions = try_join3(
        write_entity_executions(tx, chunk, &ids),
        extend_process(tx, chunk, (first, ids.len())),
        open_process(tx, chunk.process, opens),
    );
    try_join(entities, executions).await.map(|_| ())
}

async fn write_entity_executions(tx: &Tx<'_>, chunk: &Chunk<'_>, ids: &[i64]) -> Result<(), Fault> {
    if ids.is_empty() {
        return Ok(());
    }
    let keys: Vec<Option<i64>> = chunk
        .executions
        .iter()
        .map(|new| Some(new.lane_hash))
        .collect();
    write_executions(tx, chunk, chunk.segment, ids, &keys, false).await
}

/// Counts what a chunk adds to its process.
async fn extend_process(
    tx: &Tx<'_>,
    chunk: &Chunk<'_>,
    (first, many): (i64, usize),
) -> Result<(), Fault> {
    if many == 0 {
        return Ok(());
    }
    let written = i64::try_from(many).unwrap_or(i64::MAX);
    let open = if chunk.segment == 0 { written } else { 0 };
    let last = first + written - 1;
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&chunk.process, &written, &open, &last];
    tx.exactly(1, sql!("process_extend"), &values).await
}

async fn write_executions(
    tx: &Tx<'_>,
    chunk: &Chunk<'_>,
    segment: u32,
    ids: &[i64],
    lane_hashes: &[Option<i64>],
    per_process: bool,
) -> Result<(), Fault> {
    let state = if segment == 0 {
        ExecutionState::Pending
    } else {
        ExecutionState::Waiting
    };
    let (code, segment) = (state.code(), i64::from(segment));
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] = [
        &ids,
        &chunk.process,
        &code,
        &segment,
        &per_process,
        &lane_hashes,
        &chunk.at.0,
    ];
    tx.exactly(ids.len(), sql!("execution_insert"), &values)
        .await
}

async fn write_entities(tx: &Tx<'_>, chunk: &Chunk<'_>, ids: &[i64]) -> Result<(), Fault> {
    if ids.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = chunk
        .executions
        .iter()
        .map(|new| text(&new.entity_key))
        .collect();
    let keys: Vec<&str> = keys.iter().map(AsRef::as_ref).collect();
    let attributes: Vec<Option<String>> = chunk
        .executions
        .iter()
        .map(|new| (!new.attributes.is_empty()).then(|| to_json(&new.attributes)))
        .collect();
    let launched_at = chunk.launched_at.map(|at| at.0);
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
        [&ids, &chunk.process, &keys, &attributes, &launched_at];
    let written = tx.rows(sql!("entity_insert"), &values).await?;
    if written.len() == ids.len() {
        return Ok(());
    }
    let written: HashSet<i64> = written
        .iter()
        .map(|row| int(row, 0))
        .collect::<Result<_, _>>()?;
    let repeated = ids.iter().zip(chunk.executions);
    let repeated = repeated
        .filter(|(id, _)| !written.contains(id))
        .map(|(_, new)| new.entity_key.as_str())
        .next();
    Err(Fault::Conflict(format!(
        "the entity {:?} occurs twice; every entity's key must be there once",
        repeated.unwrap_or_default()
    )))
}

/// Opens the process, if it is to, in the transaction that writes its last chunk.
async fn open_process(tx: &Tx<'_>, process: i64, opens: bool) -> Result<(), Fault> {
    if !opens {
        return Ok(());
    }
    let values: Values<'_> = &[&process];
    let (opened, _) = try_join(
        tx.execute(sql!("launch_open"), values),
        tx.execute(sql!("definition_launched"), values),
    )
    .await?;
    if opened == 1 {
        return Ok(());
    }
    Err(damaged(format!(
        "process {process} was launching and is not"
    )))
}

/// Claims the first executions of a process that was opened in the same transaction.
async fn claim_first(
    tx: &Tx<'_>,
    process: ProcessId,
    max: u32,
    at: Timestamp,
) -> Result<Vec<Claimed>, Fault> {
    claim::claim(tx, &mut Desk::default(), Claim { process, max }, at).await
}

/// The entities' first segment and the launch time of a process that is launching.
async fn launching(tx: &Tx<'_>, process: ProcessId) -> Result<(u32, Timestamp), Fault> {
    let Some(row) = tx.row(sql!("launch_read"), &[&process.0]).await? else {
        return Err(Fault::Conflict(format!(
            "there is no process {process}: its launch was removed"
        )));
    };
    match process_state(int(&row, 0)?)? {
        ProcessState::Launching => {
            let segment = maybe(&row, 1)?.unwrap_or(0);
            let segment = u32::try_from(segment)
                .map_err(|_| damaged(format!("there is no segment {segment}")))?;
            Ok((segment, Timestamp(int(&row, 2)?)))
        }
        state => Err(Fault::Conflict(format!(
            "process {process} is {state} and takes no more executions"
        ))),
    }
}

/// The number of a definition that was kept.
pub(super) async fn definition_id(tx: &Tx<'_>, version: &Version) -> Result<i64, Fault> {
    let found = tx.row(sql!("definition_id"), &[&version.0]).await?;
    match found {
        Some(row) => get(&row, 0),
        None => Err(Fault::Conflict(format!(
            "the store has no definition {version}; it must be kept before it is launched"
        ))),
    }
}

/// Takes a block of ids and gives its first.
pub(super) async fn take_ids(tx: &Tx<'_>, many: usize) -> Result<i64, Fault> {
    let many = i64::try_from(many).unwrap_or(ID_LIMIT);
    let row = tx.row(sql!("sequence_take"), &[&many]).await?;
    let row = row.ok_or_else(|| damaged("the store gives out no ids"))?;
    let next: i64 = get(&row, 0)?;
    if next > ID_LIMIT {
        return Err(Fault::Unavailable(format!(
            "the store has given out all ids below {ID_LIMIT}"
        )));
    }
    Ok(next - many)
}

/// Gives a block of ids back that this transaction took last: nobody else takes any before it ends.
async fn give_back_ids(tx: &Tx<'_>, many: usize) -> Result<(), Fault> {
    let many = i64::try_from(many).unwrap_or(ID_LIMIT);
    tx.row(sql!("sequence_take"), &[&-many]).await.map(|_| ())
}
