//! Circuit breakers: where each is, and the states that it was in. What they mean is decided by the model.

use super::fault::{OrFault, damaged};
use super::rows;
use super::session::execute;
use carril_model::breaker::BreakerRow;
use carril_model::contract::Fault;
use rusqlite::{Connection, params};

/// States of one breaker that are kept. One that goes to and fro every thirty seconds fills this in a working day.
const KEPT: u32 = 1_000;

/// Keeps a breaker as it is, unless what is kept is newer; and the state that it came into, whoever is newer.
pub(crate) fn write(connection: &Connection, breaker: &BreakerRow) -> Result<(), Fault> {
    let change = i64::try_from(breaker.change)
        .map_err(|_| damaged(format!("a breaker changed {} times", breaker.change)))?;
    let values = params![
        breaker.resource,
        change,
        breaker.state.name(),
        breaker.failures,
        breaker.successes,
        breaker.since.0,
        breaker.until.map(|until| until.0),
        breaker.forced,
        breaker.reason
    ];
    execute(connection, sql!("breaker_write"), values)?;
    // Without a reason it never was in another state.
    if breaker.reason.is_none() {
        return Ok(());
    }
    let values = params![
        breaker.resource,
        breaker.since.0,
        change,
        breaker.state.name(),
        breaker.until.map(|until| until.0),
        breaker.forced,
        breaker.reason
    ];
    if execute(connection, sql!("breaker_history_write"), values)? > 0 {
        let values = params![breaker.resource, KEPT];
        execute(connection, sql!("breaker_history_trim"), values)?;
    }
    Ok(())
}

/// Every breaker that was ever kept.
pub(crate) fn all(connection: &Connection) -> Result<Vec<BreakerRow>, Fault> {
    let mut statement = connection
        .prepare_cached(sql!("breakers_read"))
        .or_fault()?;
    let mut found = statement.query([]).or_fault()?;
    let mut breakers = Vec::new();
    while let Some(row) = found.next().or_fault()? {
        breakers.push(rows::breaker(row)?);
    }
    Ok(breakers)
}
