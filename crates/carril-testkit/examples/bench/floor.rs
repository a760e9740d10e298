//! The floor: a bare program that does what no durable engine can do without, and nothing else.
//!
//! Its clients walk entities through their steps and wait for the disk after each of them. One writer takes all that
//! waits, commits it once, and acknowledges all. Tables and settings are those of Carril's store, and it writes the
//! same rows: the launch, a claim of every execution, one row for every step, the settled execution, and sums of the
//! process with every group. There are no fences, no states to check, no errors, nothing to look up: clients count.

use super::arguments::Writer as Place;
use anyhow::{Context as _, Result};
use rusqlite::{CachedStatement, Connection, Transaction, params};
use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

const TABLES: [&str; 4] = [
    include_str!("../../../carril-sqlite/sql/store/migrations/0001_initial.up.sql"),
    include_str!("../../../carril-sqlite/sql/store/migrations/0002_views.up.sql"),
    include_str!("../../../carril-sqlite/sql/store/migrations/0003_folder.up.sql"),
    include_str!("../../../carril-sqlite/sql/store/migrations/0004_lanes.up.sql"),
];
/// As in Carril: what bounds a group, a launch's transaction, the lane entries that are kept back, and those that are swept.
pub(crate) const GROUP_MAX: usize = 1_024;
pub(crate) const CHUNK_MAX: i64 = 5_000;
const KEPT_MAX: usize = 65_536;
const SWEEP_AT: usize = 131_072;
pub(crate) const PROCESS: i64 = 1;

const PROCESS_INSERT: &str = "INSERT INTO process (id, definition_id, state, segment, open, total, first_execution, \
     last_execution, segments, lanes, pipeline, params, targets, launched_by, launched_at, overlap_hash) \
     VALUES (?1, 1, 1, 0, 0, 0, ?2, ?2, 1, 50, 'bench', '{}', '{}', 'bench', ?3, ?4)";
const PROCESS_EXTEND: &str =
    "UPDATE process SET total = total + ?2, open = open + ?2, last_execution = ?3 WHERE id = ?1";
const EXECUTION_INSERT: &str = "INSERT INTO execution (id, process_id, run, token, state, segment, ready, \
     per_process, lane_hash, since, cause) VALUES (?1, ?2, 1, 0, 0, 0, 1, 0, ?3, ?4, 'queued')";
const ENTITY_INSERT: &str =
    "INSERT INTO entity (execution_id, process_id, entity_key) VALUES (?1, ?2, ?3)";
const CLAIM: &str = "UPDATE execution SET state = 1, token = 1, node = 1, started_at = ?2, cause = 'running', since = ?2, \
     sums = ?3 WHERE id = ?1";
const STEP: &str = "INSERT INTO step (execution_id, run, step, attempt, state, began, micros) VALUES (?1, 1, ?2, 1, 2, ?3, ?4)";
const SETTLE: &str = "UPDATE execution SET state = 3, node = NULL, ended_at = ?2, cause = 'store', since = ?2, sums = ?3 WHERE id = ?1";
const LANE_INSERT: &str = "INSERT INTO lane (lane_hash, execution_id) VALUES (?1, ?2)";
const SWEEP: &str = "DELETE FROM lane WHERE lane_hash = ?1 AND execution_id = ?2";
const TALLY: &str = "UPDATE process SET open = open - ?2, succeeded = succeeded + ?2 WHERE id = ?1";

/// What a run of the floor is to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) entities: u32,
    pub(crate) steps: u32,
    pub(crate) lanes: u32,
    pub(crate) writer: Place,
}

/// How long it took, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Took {
    pub(crate) wall: f64,
    pub(crate) launch: f64,
}

/// One client's write, which it waits for.
pub(crate) struct Write {
    pub(crate) execution: i64,
    pub(crate) step: u32,
    pub(crate) began: i64,
    pub(crate) now: i64,
    /// The last step: the execution settles with these sums.
    pub(crate) settled: Option<String>,
    /// And this is the one that its client takes next.
    pub(crate) next: Option<i64>,
    pub(crate) done: oneshot::Sender<()>,
}

/// Opens an empty store with Carril's tables and settings.
pub(crate) fn open(folder: &Path) -> Result<Connection> {
    let connection = Connection::open(folder.join("store.db"))?;
    let settings = "PRAGMA page_size = 2048; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
         PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA cache_size = -8192; \
         PRAGMA wal_autocheckpoint = 2000; PRAGMA journal_size_limit = 67108864;";
    connection.execute_batch(settings)?;
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    anyhow::ensure!(mode == "wal", "the journal mode is {mode}");
    connection.execute_batch(&format!("BEGIN; {} COMMIT;", TABLES.concat()))?;
    Ok(connection)
}

/// Launches all entities and takes them through all their steps.
pub(crate) fn fanout(mut connection: Connection, shape: Shape) -> Result<(Took, Connection)> {
    let clock = Instant::now();
    launch(&mut connection, PROCESS, shape.entities, shape.lanes, clock)?;
    let launched = clock.elapsed();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (queue, waiting) = mpsc::channel(4_096);
    let writer = Writer {
        connection,
        waiting,
        settled: Vec::new(),
    };
    let connection = match shape.writer {
        Place::Inline => {
            let local = LocalSet::new();
            let writing = local.spawn_local(writer.run());
            local.spawn_local(clients(queue, shape, clock));
            runtime.block_on(local);
            runtime.block_on(writing)??
        }
        Place::Thread => {
            let thread = std::thread::spawn(move || -> Result<Connection> {
                tokio::runtime::Builder::new_current_thread()
                    .build()?
                    .block_on(writer.run())
            });
            LocalSet::new().block_on(&runtime, clients(queue, shape, clock));
            thread
                .join()
                .map_err(|_| anyhow::anyhow!("the writer panicked"))??
        }
    };
    let took = Took {
        wall: micros(clock.elapsed()),
        launch: micros(launched),
    };
    Ok((took, connection))
}

/// Writes a process with its executions, in chunks, and claims as many of them as there are lanes.
pub(crate) fn launch(
    connection: &mut Connection,
    process: i64,
    entities: u32,
    lanes: u32,
    clock: Instant,
) -> Result<()> {
    let (mut first, end) = (process + 1, process + 1 + i64::from(entities));
    let mut listed = Vec::new();
    while first < end {
        let last = end.min(first + CHUNK_MAX) - 1;
        let transaction = connection.transaction()?;
        write_chunk(&transaction, process, first..=last, clock)?;
        listed.extend((first..=last).map(|id| (scattered(id), id)));
        if last + 1 == end || listed.len() >= KEPT_MAX {
            in_order(&transaction, LANE_INSERT, &mut listed)?;
        }
        if last + 1 == end {
            for execution in (process + 1..end).take(lanes as usize) {
                let sums = format!("{{\"queued\":{}}}", now(clock) % 1_000_000);
                transaction
                    .prepare_cached(CLAIM)?
                    .execute(params![execution, now(clock), sums])?;
            }
        }
        transaction.commit()?;
        first = last + 1;
    }
    Ok(())
}

fn write_chunk(
    transaction: &Transaction<'_>,
    process: i64,
    ids: std::ops::RangeInclusive<i64>,
    clock: Instant,
) -> Result<()> {
    let (first, last) = (*ids.start(), *ids.end());
    transaction.execute(
        "UPDATE sequence SET next = ?1 WHERE name = 'id'",
        [last + 1],
    )?;
    if first == process + 1 {
        transaction
            .prepare_cached(PROCESS_INSERT)?
            .execute(params![process, first, now(clock), scattered(process)])?;
    }
    let mut execution_insert = transaction.prepare_cached(EXECUTION_INSERT)?;
    let mut entity_insert = transaction.prepare_cached(ENTITY_INSERT)?;
    for id in ids {
        execution_insert.execute(params![id, process, scattered(id), now(clock)])?;
        entity_insert.execute(params![id, process, format!("entity-{:05}", id - process)])?;
    }
    transaction
        .prepare_cached(PROCESS_EXTEND)?
        .execute(params![process, last - first + 1, last])?;
    Ok(())
}

/// As many clients as there are lanes; each takes one entity after the other.
pub(crate) async fn clients(queue: mpsc::Sender<Write>, shape: Shape, clock: Instant) {
    let end = PROCESS + 1 + i64::from(shape.entities);
    let next = Rc::new(Cell::new((PROCESS + 1 + i64::from(shape.lanes)).min(end)));
    let local: Vec<_> = (PROCESS + 1..next.get())
        .map(|first| {
            tokio::task::spawn_local(client(
                queue.clone(),
                shape.steps,
                first,
                Rc::clone(&next),
                end,
                clock,
            ))
        })
        .collect();
    drop(queue);
    for client in local {
        client
            .await
            .expect("a client does nothing that could panic, and nobody stops it");
    }
}

async fn client(
    queue: mpsc::Sender<Write>,
    steps: u32,
    first: i64,
    counter: Rc<Cell<i64>>,
    end: i64,
    clock: Instant,
) {
    let mut mine = Some(first);
    while let Some(execution) = mine {
        for step in 0..steps {
            let began = now(clock);
            let last = step + 1 == steps;
            let next = if last && counter.get() < end {
                Some(counter.replace(counter.get() + 1))
            } else {
                None
            };
            let settled = last.then(|| {
                format!(
                    "{{\"queued\":{},\"running\":{},\"store\":{}}}",
                    began % 1_000_000,
                    steps,
                    began % 10_000
                )
            });
            let (done, acknowledged) = oneshot::channel();
            let write = Write {
                execution,
                step,
                began,
                now: now(clock),
                settled,
                next,
                done,
            };
            let sent = queue.send(write).await.is_ok() && acknowledged.await.is_ok();
            assert!(sent, "the writer ends after its clients");
            mine = next;
        }
    }
}

/// The one writer of the journal.
struct Writer {
    connection: Connection,
    waiting: mpsc::Receiver<Write>,
    settled: Vec<(i64, i64)>,
}

impl Writer {
    /// Writes until no client is left; gives the connection back.
    async fn run(mut self) -> Result<Connection> {
        let mut group = Vec::new();
        while self.waiting.recv_many(&mut group, GROUP_MAX).await > 0 {
            self.commit(&group)?;
            for write in group.drain(..) {
                write.done.send(()).ok().context("a client did not wait")?;
            }
        }
        Ok(self.connection)
    }

    fn commit(&mut self, group: &[Write]) -> Result<()> {
        let transaction = self.connection.transaction()?;
        let mut step = transaction.prepare_cached(STEP)?;
        for write in group {
            step.execute(params![
                write.execution,
                write.step,
                write.began,
                write.now - write.began
            ])?;
        }
        drop(step);
        let settled = settle(&transaction, group, &mut self.settled)?;
        if settled > 0 {
            transaction
                .prepare_cached(TALLY)?
                .execute(params![PROCESS, settled])?;
        }
        if self.settled.len() >= SWEEP_AT {
            in_order(&transaction, SWEEP, &mut self.settled)?;
        }
        transaction.commit()?;
        Ok(())
    }
}

/// Settles what is at its end, and claims what follows.
fn settle(
    transaction: &Transaction<'_>,
    group: &[Write],
    remembered: &mut Vec<(i64, i64)>,
) -> Result<i64> {
    let mut statements: Option<(CachedStatement<'_>, CachedStatement<'_>)> = None;
    let mut count = 0;
    for write in group {
        let Some(sums) = &write.settled else { continue };
        if statements.is_none() {
            statements = Some((
                transaction.prepare_cached(SETTLE)?,
                transaction.prepare_cached(CLAIM)?,
            ));
        }
        let (settle, claim) = statements.as_mut().expect("it was set just now");
        settle.execute(params![write.execution, write.now, sums])?;
        remembered.push((scattered(write.execution), write.execution));
        count += 1;
        if let Some(next) = write.next {
            claim.execute(params![
                next,
                write.now,
                format!("{{\"queued\":{}}}", write.now % 1_000_000)
            ])?;
        }
    }
    Ok(count)
}

/// Does something with lane entries in the order of their table, and forgets them.
fn in_order(
    transaction: &Transaction<'_>,
    statement: &str,
    entries: &mut Vec<(i64, i64)>,
) -> Result<()> {
    entries.sort_unstable();
    let mut statement = transaction.prepare_cached(statement)?;
    for (lane_hash, execution) in entries.drain(..) {
        statement.execute([lane_hash, execution])?;
    }
    Ok(())
}

/// A number that lies anywhere, as a hash does.
pub(crate) const fn scattered(id: i64) -> i64 {
    (id.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 3) ^ id.wrapping_mul(0x1234_5677)
}

/// Microseconds since 1970 as long as Carril's; only their size matters.
pub(crate) fn now(clock: Instant) -> i64 {
    1_750_000_000_000_000 + i64::try_from(clock.elapsed().as_micros()).unwrap_or(0)
}

pub(crate) fn micros(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
