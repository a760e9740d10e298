//! Limits that engines share: what each may use is a row, moved by whoever settles, one engine at a time.
//!
//! The rows are few and the model decides. What makes it safe is the order: an engine is told to lend less before the row says so, and
//! may lend more only after the row has been committed. A dead engine's rows count until its lease has run out and somebody has
//! ended it, which happens with the turnstile held alone, so never between the reading and the writing here.

use super::fault::damaged;
use super::rows::{flag, get, int, owned_text, small};
use super::session::{Session, Turn, Tx};
use carril_model::allotment::{self, Party};
use carril_model::contract::{Allotted, Fault, Lender, LimitKey, LimitKind, Need};
use carril_model::id::NodeId;
use carril_model::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// The engines that have a limit, with what each says how much there is.
#[derive(Default)]
struct Limit {
    totals: Vec<u32>,
    parties: Vec<Party>,
}

/// What the last settling, or look, saw of this engine's own.
pub(crate) type Seen = BTreeMap<LimitKey, u32>;

/// Settles what this engine may have.
pub(crate) async fn share(
    session: &mut Session,
    lender: Arc<dyn Lender>,
) -> Result<Vec<Allotted>, Fault> {
    let lock = session.allotments();
    let done = session
        .write(Turn::Shared, async |tx| {
            tx.rows(sql!("allotment_turn"), &[&lock]).await?;
            settle(tx, lender.as_ref()).await
        })
        .await;
    let (allotted, moved) = done?;
    session.allotted = allotted
        .iter()
        .map(|one| (one.key.clone(), one.granted))
        .collect();
    if moved {
        session.stir();
    }
    Ok(allotted)
}

async fn settle(tx: &Tx<'_>, lender: &dyn Lender) -> Result<(Vec<Allotted>, bool), Fault> {
    // Asked under the lock, so that what is decided is decided on what is.
    let needs = lender.needs();
    let (mut limits, now) = read(tx, &needs).await?;
    let mut allotted = Vec::with_capacity(needs.len());
    let mut changed = Changed::default();
    for need in needs {
        let limit = limits.remove(&need.key).unwrap_or_default();
        allotted.push(settle_one(tx.node, limit, need, lender, now, &mut changed)?);
    }
    let moved = !changed.nodes.is_empty();
    if moved {
        changed.write(tx).await?;
    }
    Ok((allotted, moved))
}

fn settle_one(
    node: NodeId,
    mut limit: Limit,
    need: Need,
    lender: &dyn Lender,
    now: Timestamp,
    changed: &mut Changed,
) -> Result<Allotted, Fault> {
    let found = limit.parties.iter().position(|party| party.node == node);
    let me = found.unwrap_or_else(|| {
        limit.totals.push(0);
        limit.parties.push(Party::new(node, now));
        limit.parties.len() - 1
    });
    let before = (limit.totals.clone(), limit.parties.clone());
    limit.totals[me] = need.total;
    let total = limit.totals.iter().copied().max().unwrap_or(need.total);
    let keep = |at_most| lender.keep(&need.key, at_most);
    let lends = allotment::settle(total, &mut limit.parties, me, need.wants, now, keep);
    for (at, party) in limit.parties.iter().enumerate() {
        let is_new = at == me && found.is_none();
        if is_new || (limit.totals[at], *party) != (before.0[at], before.1[at]) {
            changed.push(&need.key, limit.totals[at], party);
        }
    }
    let party = limit.parties.get(me);
    let party = party.ok_or_else(|| damaged("an engine is not among those that share"))?;
    Ok(Allotted {
        total,
        wants: need.wants,
        granted: party.granted,
        lends,
        key: need.key,
    })
}

async fn read(
    tx: &Tx<'_>,
    needs: &[Need],
) -> Result<(BTreeMap<LimitKey, Limit>, Timestamp), Fault> {
    let resources: Vec<String> = needs
        .iter()
        .map(|need| owned_text(&need.key.resource))
        .collect();
    let found = tx.rows(sql!("allotments"), &[&resources]).await?;
    let time = tx.row(sql!("allotment_time"), &[]).await?;
    let time = time.ok_or_else(|| damaged("the database does not tell the time"))?;
    let mut limits: BTreeMap<LimitKey, Limit> = BTreeMap::new();
    for row in &found {
        let limit = limits.entry(key(row)?).or_default();
        limit.totals.push(small(row, 3)?);
        limit.parties.push(Party {
            node: NodeId(int(row, 2)?),
            granted: small(row, 4)?,
            wants: small(row, 5)?,
            since: Timestamp(int(row, 6)?),
        });
    }
    Ok((limits, Timestamp(int(&time, 0)?)))
}

/// Rows to write.
#[derive(Default)]
struct Changed {
    resources: Vec<String>,
    kinds: Vec<&'static str>,
    nodes: Vec<i64>,
    totals: Vec<i64>,
    granted: Vec<i64>,
    wants: Vec<i64>,
    since: Vec<i64>,
}

impl Changed {
    fn push(&mut self, key: &LimitKey, total: u32, party: &Party) {
        self.resources.push(owned_text(&key.resource));
        self.kinds.push(key.kind.name());
        self.nodes.push(party.node.0);
        self.totals.push(i64::from(total));
        self.granted.push(i64::from(party.granted));
        self.wants.push(i64::from(party.wants));
        self.since.push(party.since.0);
    }

    async fn write(&self, tx: &Tx<'_>) -> Result<(), Fault> {
        let values: [&(dyn ToSql + Sync); 7] = [
            &self.resources,
            &self.kinds,
            &self.nodes,
            &self.totals,
            &self.granted,
            &self.wants,
            &self.since,
        ];
        tx.exactly(self.nodes.len(), sql!("allotment_write"), &values)
            .await
    }
}

/// An engine's own, as others may have made them, and of which another goes short.
pub(crate) async fn stirred(tx: &Tx<'_>, node: i64) -> Result<Vec<Row>, Fault> {
    tx.rows(sql!("allotments_stirred"), &[&node]).await
}

/// Whether what a look found is a reason to settle.
pub(crate) fn is_stirred(seen: &Seen, found: &[Row]) -> Result<bool, Fault> {
    for row in found {
        let is_short = flag(row, 3)?;
        if is_short || seen.get(&key(row)?) != Some(&small(row, 2)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Which limit a row is about.
pub(crate) fn key(row: &Row) -> Result<LimitKey, Fault> {
    let kind: String = get(row, 1)?;
    let kind = LimitKind::from_name(&kind)
        .ok_or_else(|| damaged(format!("`{kind}` is no limit that is shared")))?;
    let resource = get(row, 0)?;
    Ok(LimitKey { resource, kind })
}
