//! Who uses which resource now, and who waits for it.

use super::super::fault::damaged;
use super::super::rows;
use super::read;
use crate::store::allot;
use crate::store::session::Tx;
use carril_model::account::CauseKind;
use carril_model::contract::{Fault, ResourceRow, ShareRow};
use carril_model::definition::Definition;
use carril_model::id::NodeId;
use std::collections::BTreeMap;
use tokio_postgres::Row;

/// Definitions that are looked at for limits.
const DEFINITIONS_MAX: i64 = 1_000;

pub(super) async fn of_all(tx: &Tx<'_>) -> Result<Vec<ResourceRow>, Fault> {
    let mut found: BTreeMap<String, ResourceRow> = BTreeMap::new();
    let bodies = read::all(
        tx,
        sql!("history_resource_limits"),
        &[&DEFINITIONS_MAX],
        |row| rows::get::<String>(row, 0),
    )
    .await?;
    for body in bodies {
        let definition: Definition = rows::from_json(&body)?;
        for (name, limits) in definition.resources {
            // The newest process comes first, and what it says holds.
            found.entry(name).or_insert(ResourceRow {
                limits,
                ..ResourceRow::default()
            });
        }
    }
    let uses = read::all(tx, sql!("history_resource_uses"), &[], counted).await?;
    for (name, uses) in uses {
        found.entry(name).or_default().in_use = uses;
    }
    for row in &tx.rows(sql!("history_resource_waits"), &[]).await? {
        let cause: String = rows::get(row, 0)?;
        let of = found.entry(rows::get(row, 1)?).or_default();
        let waiting = match CauseKind::from_name(&cause) {
            Some(CauseKind::Slot) => &mut of.waiting_slot,
            Some(CauseKind::Rate) => &mut of.waiting_rate,
            Some(CauseKind::Breaker) => &mut of.waiting_breaker,
            _ => return Err(damaged(format!("{cause} is no limit"))),
        };
        *waiting = rows::count(row, 2)?;
    }
    for row in &tx.rows(sql!("history_resource_shares"), &[]).await? {
        let key = allot::key(row)?;
        // What nobody uses any more is still an engine's until it leaves.
        if let Some(of) = found.get_mut(&key.resource) {
            of.shares.push(ShareRow {
                kind: key.kind,
                node: NodeId(rows::int(row, 2)?),
                host: rows::get(row, 3)?,
                command: rows::get(row, 4)?,
                granted: rows::small(row, 5)?,
                wants: rows::small(row, 6)?,
            });
        }
    }
    Ok(found
        .into_iter()
        .map(|(resource, row)| ResourceRow { resource, ..row })
        .collect())
}

fn counted(row: &Row) -> Result<(String, u64), Fault> {
    Ok((rows::get(row, 0)?, rows::count(row, 1)?))
}
