//! What one engine sees of others: a look, from one snapshot, at everything that may be there for it to do.
//!
//! What the last look saw is remembered in the engine's session, so that a look tells what is new. Losing that loses nothing: all is
//! told again.

use super::allot;
use super::breakers;
use super::enter;
use super::fault::damaged;
use super::rows::{flag, int, maybe, run};
use super::session::{Session, Turn, Tx};
use super::wake;
use carril_model::contract::{Fault, NEWS_MAX, News, Owned};
use carril_model::id::{ExecutionId, ProcessId, Token};
use carril_model::state::ProcessState;
use carril_model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use tokio_postgres::Row;

/// What an engine must hear of when it changes: a process's state, segment, what its cancel makes of it, and its lanes.
type Place = (i64, i64, Option<i64>, i64);

/// What the looks before this one saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    places: BTreeMap<i64, Place>,
    /// The number of changes of each breaker.
    breakers: BTreeMap<String, u64>,
    /// Processes of which the store knows that this engine can run them.
    joined: BTreeSet<i64>,
    /// Where the next look goes on, when there were more processes than one tells of.
    above: i64,
}

/// What a snapshot held.
struct Snapshot {
    processes: Vec<Row>,
    named: Vec<Row>,
    cancelling: Vec<Row>,
    rolling_back: bool,
    requests: bool,
    next_due: Option<Timestamp>,
    breakers: Vec<carril_model::breaker::BreakerRow>,
    limits: Vec<Row>,
}

/// What time it is on the server.
pub(crate) async fn time(session: &mut Session) -> Result<Timestamp, Fault> {
    let asked = async |tx: &Tx<'_>| tx.row(sql!("server_time"), &[]).await;
    let told = session.plain(asked).await?;
    let told = told.ok_or_else(|| damaged("the server did not say what time it is"))?;
    Ok(Timestamp(int(&told, 0)?))
}

/// Looks, and says of which processes this engine runs lanes.
pub(crate) async fn look(session: &mut Session, named: &[ProcessId]) -> Result<News, Fault> {
    let node = session.entered()?.0;
    let ids: Vec<i64> = named.iter().map(|process| process.0).collect();
    let above = session.neighbours.above;
    let snapshot = session
        .read(async |tx| snapshot(tx, node, above, &ids).await)
        .await?;
    join(session, node, &ids).await?;
    let mut news = News {
        requests: snapshot.requests,
        limits: allot::is_stirred(&session.allotted, &snapshot.limits)?,
        next_due: snapshot.next_due,
        ..News::default()
    };
    let seen = &mut session.neighbours;
    let full = snapshot.processes.len() >= NEWS_MAX;
    seen.above = match snapshot.processes.last() {
        Some(last) if full => int(last, 0)?,
        _ => 0,
    };
    for row in &snapshot.processes {
        let id = ProcessId(int(row, 0)?);
        if flag(row, 4)? {
            news.undecided.push(id);
        }
        if flag(row, 5)? {
            news.ready.push(id);
        }
    }
    news.moved = moved(seen, &ids, &snapshot.named)?;
    news.cancelling = snapshot
        .cancelling
        .iter()
        .map(owned)
        .collect::<Result<_, _>>()?;
    for row in snapshot.breakers {
        let before = seen.breakers.insert(row.resource.clone(), row.change);
        if before.is_none_or(|before| before < row.change) {
            news.breakers.push(row);
        }
    }
    if snapshot.rolling_back {
        news.rolling_back = session
            .write(Turn::Alone, async |tx| {
                enter::adopt_rollbacks(tx, tx.node).await
            })
            .await?;
    }
    Ok(news)
}

async fn snapshot(tx: &Tx<'_>, node: i64, above: i64, named: &[i64]) -> Result<Snapshot, Fault> {
    let max = i64::try_from(NEWS_MAX).unwrap_or(i64::MAX);
    let of_node: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&node, &max];
    let one = |row: Option<Row>| row.map_or(Ok(false), |row| flag(&row, 0));
    Ok(Snapshot {
        processes: tx
            .rows(sql!("neighbours_processes"), &[&above, &max])
            .await?,
        named: tx.rows(sql!("neighbours_named"), &[&named]).await?,
        cancelling: tx.rows(sql!("executions_cancelling"), &of_node).await?,
        rolling_back: one(tx.row(sql!("rollbacks_left"), &[]).await?)?,
        requests: one(tx.row(sql!("request_waits"), &[&node]).await?)?,
        next_due: wake::next_due(tx).await?,
        breakers: breakers::all(tx).await?,
        limits: allot::stirred(tx, node).await?,
    })
}

/// Of the processes that the engine runs lanes of, those that are not as they were seen. Who is settled or gone is told each time.
fn moved(seen: &mut Seen, named: &[i64], found: &[Row]) -> Result<Vec<ProcessId>, Fault> {
    let mut places = BTreeMap::new();
    for row in found {
        let place = (int(row, 1)?, int(row, 2)?, maybe(row, 3)?, int(row, 4)?);
        places.insert(int(row, 0)?, place);
    }
    let settled = |place: &Place| place.0 > ProcessState::Paused.code() || place.0 == 0;
    let moved = named.iter().filter(|id| match places.get(id) {
        Some(place) => settled(place) || seen.places.get(id) != Some(place),
        None => true,
    });
    let moved = moved.map(|id| ProcessId(*id)).collect();
    seen.places = places;
    Ok(moved)
}

/// Lets others know which processes this engine can run.
async fn join(session: &mut Session, node: i64, named: &[i64]) -> Result<(), Fault> {
    let named: BTreeSet<i64> = named.iter().copied().collect();
    let new: Vec<i64> = named
        .difference(&session.neighbours.joined)
        .copied()
        .collect();
    if !new.is_empty() {
        session
            .write(Turn::Shared, async |tx| {
                tx.execute(sql!("participant_insert"), &[&node, &new]).await
            })
            .await?;
    }
    session.neighbours.joined = named;
    Ok(())
}

fn owned(row: &Row) -> Result<Owned, Fault> {
    Ok(Owned {
        process: ProcessId(int(row, 0)?),
        execution: ExecutionId(int(row, 1)?),
        run: run(row, 2)?,
        token: Token(int(row, 3)?),
        per_process: flag(row, 4)?,
    })
}
