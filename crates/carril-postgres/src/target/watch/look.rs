//! One look at the server: who of some sessions waits for a lock, behind whom, up to the roots.
//!
//! It goes on from those who wait to those who block them, and from there as long as those wait themselves: each session is asked
//! about once, since finding out who blocks whom holds up the server's lock manager for a moment.

use super::Sessions;
use super::chain::Edges;
use carril_model::lock::{Session, redacted};
use carril_model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

/// Most steps from one who waits towards the root.
const ROUNDS_MAX: usize = 8;
/// Most sessions that are asked about in one step: those of a server that has come to a halt would cost more than they tell.
const PIDS_MAX: usize = 100;

/// What one look has seen.
#[derive(Debug, Default)]
pub(super) struct Sight {
    /// Those who wait, by process id, and what for.
    pub(super) waits: BTreeMap<i32, Wait>,
    /// Who they are that block others.
    pub(super) sessions: Sessions,
}

/// One who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wait {
    pub(super) blockers: Vec<i32>,
    pub(super) kind: String,
    pub(super) mode: String,
    /// `None` for an instant after it began.
    pub(super) waited_micros: Option<i64>,
    /// The table that is locked, or whose row is.
    pub(super) tables: Vec<String>,
    /// Tables that it and those that block it have both written.
    pub(super) shared: Vec<String>,
}

/// A session that blocks others.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) session: Session,
    waits: bool,
    transaction_micros: Option<i64>,
}

#[cfg(test)]
impl Seen {
    /// A session that does not wait.
    pub(super) fn of(session: Session) -> Self {
        Self {
            session,
            waits: false,
            transaction_micros: None,
        }
    }
}

impl Sight {
    pub(super) fn edges(&self) -> Edges {
        let edges = self.waits.iter();
        edges
            .map(|(pid, wait)| (*pid, wait.blockers.clone()))
            .collect()
    }

    /// How long a session's transaction is open.
    pub(super) fn age(&self, pid: i32) -> i64 {
        let seen = self.sessions.get(&pid);
        seen.and_then(|seen| seen.transaction_micros).unwrap_or(0)
    }
}

impl Wait {
    /// The table that it is about: the one that is locked, else the one that both sides have written, where there are several
    /// the one in the words of its statement, else what its statement writes.
    pub(super) fn table(&self, words: &[String]) -> Option<String> {
        let last = |name: &str| name.rsplit('.').next().unwrap_or(name).to_lowercase();
        let in_words = |table: &&String| words.iter().any(|word| last(word) == last(table));
        let named = |tables: &[String]| {
            let found = tables.iter().find(in_words).or(tables.first());
            found.cloned()
        };
        let is_transaction = matches!(self.kind.as_str(), "transactionid" | "spectoken");
        named(&self.tables)
            .or_else(|| named(&self.shared))
            .or_else(|| words.first().filter(|_| is_transaction).cloned())
    }
}

/// Which of these wait.
///
/// # Errors
/// As the server says.
pub(super) async fn waiting(client: &Client, pids: &[i32]) -> Result<Vec<i32>, Error> {
    let values: [(&(dyn ToSql + Sync), Type); 1] = [(&pids, Type::INT4_ARRAY)];
    let query = include_str!("../../../sql/target/lock_waiters.sql");
    let rows = client.query_typed(query, &values).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// What these wait for, and who is in the way.
///
/// # Errors
/// As the server says.
pub(super) async fn look(
    client: &Client,
    waiting: &[i32],
    now: impl Fn() -> Timestamp,
) -> Result<Sight, Error> {
    let mut sight = Sight::default();
    let mut asked: BTreeSet<i32> = BTreeSet::new();
    let mut next: Vec<i32> = waiting.to_vec();
    for _ in 0..ROUNDS_MAX {
        next.truncate(PIDS_MAX);
        if next.is_empty() {
            break;
        }
        asked.extend(&next);
        let values: [(&(dyn ToSql + Sync), Type); 1] = [(&next, Type::INT4_ARRAY)];
        let query = include_str!("../../../sql/target/lock_waits.sql");
        let found = client.query_typed(query, &values).await?;
        let found: BTreeMap<i32, Wait> = found
            .iter()
            .map(wait)
            .filter(|(_, wait)| !wait.blockers.is_empty())
            .collect();
        let unknown: BTreeSet<i32> = found
            .values()
            .flat_map(|wait| wait.blockers.iter().copied())
            .filter(|pid| *pid != 0 && !sight.sessions.contains_key(pid))
            .collect();
        sight.waits.extend(found);
        let unknown: Vec<i32> = unknown.into_iter().take(PIDS_MAX).collect();
        let known = sessions(client, &unknown, now()).await?;
        let more = known
            .iter()
            .filter(|(pid, seen)| (seen.waits || seen.session.hidden) && !asked.contains(pid));
        next = more.map(|(pid, _)| *pid).collect();
        sight.sessions.extend(known);
    }
    Ok(sight)
}

async fn sessions(client: &Client, pids: &[i32], now: Timestamp) -> Result<Sessions, Error> {
    if pids.is_empty() {
        return Ok(Sessions::new());
    }
    let values: [(&(dyn ToSql + Sync), Type); 1] = [(&pids, Type::INT4_ARRAY)];
    let query = include_str!("../../../sql/target/lock_sessions.sql");
    let rows = client.query_typed(query, &values).await?;
    Ok(rows.iter().map(|row| session(row, now)).collect())
}

fn wait(row: &Row) -> (i32, Wait) {
    let blockers: BTreeSet<i32> = row.get::<_, Vec<i32>>(1).into_iter().collect();
    let wait = Wait {
        blockers: blockers.into_iter().collect(),
        kind: row.get(2),
        mode: row.get(3),
        waited_micros: row.get(4),
        tables: row.get(5),
        shared: row.get(6),
    };
    (row.get(0), wait)
}

fn session(row: &Row, now: Timestamp) -> (i32, Seen) {
    let pid = row.get(0);
    let hidden: bool = row.get(9);
    let ago = |micros: Option<i64>| micros.map(|micros| Timestamp(now.0 - micros.max(0)));
    let query: Option<String> = row.get(7);
    let transaction_micros: Option<i64> = row.get(6);
    let session = Session {
        pid,
        user: row.get(1),
        application: row.get(2),
        address: row.get(3),
        state: row.get(4),
        state_since: ago(row.get(5)),
        transaction_since: ago(transaction_micros),
        query: query
            .filter(|_| !hidden)
            .map(|query| redacted(&query))
            .filter(|query| !query.is_empty()),
        hidden,
    };
    let seen = Seen {
        session,
        waits: row.get(8),
        transaction_micros,
    };
    (pid, seen)
}

#[cfg(test)]
mod tests;
