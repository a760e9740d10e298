//! Circuit breakers: where each is, and the states that it was in. What they mean is decided by the model.

use super::fault::damaged;
use super::rows::{self, text};
use super::session::Tx;
use carril_model::breaker::BreakerRow;
use carril_model::contract::Fault;

/// States of one breaker that are kept. One that goes to and fro every thirty seconds fills this in a working day.
const KEPT: i64 = 1_000;

/// Keeps breakers as they are, unless what is kept is newer; and the states that they came into, whoever is newer. Always in
/// order of resource, so that two engines do not wait for each other.
pub(crate) async fn write_all(tx: &Tx<'_>, breakers: &[BreakerRow]) -> Result<(), Fault> {
    let mut breakers: Vec<&BreakerRow> = breakers.iter().collect();
    breakers.sort_by(|one, other| one.resource.cmp(&other.resource));
    for breaker in breakers {
        write(tx, breaker).await?;
    }
    Ok(())
}

async fn write(tx: &Tx<'_>, breaker: &BreakerRow) -> Result<(), Fault> {
    let change = i64::try_from(breaker.change)
        .map_err(|_| damaged(format!("a breaker changed {} times", breaker.change)))?;
    let (resource, state) = (text(&breaker.resource), breaker.state.name());
    let (failures, successes) = (i64::from(breaker.failures), i64::from(breaker.successes));
    let (since, until) = (breaker.since.0, breaker.until.map(|until| until.0));
    let reason = breaker.reason.as_deref().map(text);
    tx.execute(
        sql!("breaker_write"),
        &[
            &resource,
            &change,
            &state,
            &failures,
            &successes,
            &since,
            &until,
            &breaker.forced,
            &reason,
        ],
    )
    .await?;
    // Without a reason it never was in another state.
    if reason.is_none() {
        return Ok(());
    }
    let kept = tx
        .execute(
            sql!("breaker_history_write"),
            &[
                &resource,
                &since,
                &change,
                &state,
                &until,
                &breaker.forced,
                &reason,
            ],
        )
        .await?;
    if kept > 0 {
        tx.execute(sql!("breaker_history_trim"), &[&resource, &KEPT])
            .await?;
    }
    Ok(())
}

/// Every breaker that was ever kept.
pub(crate) async fn all(tx: &Tx<'_>) -> Result<Vec<BreakerRow>, Fault> {
    let found = tx.rows(sql!("breakers_read"), &[]).await?;
    found.iter().map(rows::breaker).collect()
}
