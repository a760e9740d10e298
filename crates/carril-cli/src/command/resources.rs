//! `carril resources`: who uses which resource now, who waits for it, and how its breaker is. Only reads.
//!
//! Everything is told from the store, so that it can be asked from any program; what it says of a running engine is at most
//! a tenth of a second old.

use crate::arguments::Resources;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::table::Table;
use crate::output::{number, time};
use carril::model::allotment::RATE_PARTS;
use carril::model::breaker::{BreakerRow, BreakerState};
use carril::model::contract::{History, ResourceRow};
use carril::shape::{EngineShape, ResourceShape};
use serde::Serialize;
use std::collections::BTreeMap;

/// Changes of a breaker that are told of one resource.
const CHANGES_MAX: u32 = 20;

#[derive(Debug, Serialize)]
struct Shape {
    resources: Vec<ResourceShape>,
}

/// `2: 3 slots, 50 % of the rate`.
fn words_of(engine: &EngineShape) -> String {
    let slots = engine
        .slots
        .map(|slots| number::of(u64::from(slots), "slot", "slots"));
    let rate = engine.rate_permille.map(|permille| {
        let percent = u64::from(permille) * 100 / u64::from(RATE_PARTS);
        format!("{percent} % of the rate")
    });
    let has: Vec<String> = slots.into_iter().chain(rate).collect();
    format!("{}: {}", engine.engine, has.join(", "))
}

/// Lists resources.
pub(crate) async fn run(context: &Context, arguments: &Resources) -> Result<Exit, Failure> {
    let reader = context.reader().await?;
    tell(context, reader.history(), arguments.name.as_deref()).await?;
    Ok(Exit::Ok)
}

/// Tells of all resources, or of one with its breaker's last changes.
///
/// # Errors
/// Exit 4 for one that nobody knows.
pub(crate) async fn tell(
    context: &Context,
    history: &dyn History,
    name: Option<&str>,
) -> Result<(), Failure> {
    let mut rows: BTreeMap<String, ResourceRow> = BTreeMap::new();
    for row in history.resources().await? {
        rows.insert(row.resource.clone(), row);
    }
    let mut breakers = BTreeMap::new();
    for breaker in history.breakers().await? {
        let resource = breaker.resource.clone();
        rows.entry(resource.clone()).or_insert_with(|| ResourceRow {
            resource: resource.clone(),
            ..ResourceRow::default()
        });
        breakers.insert(resource, breaker);
    }
    rows.retain(|resource, _| name.is_none_or(|name| name == resource));
    if let Some(name) = name
        && rows.is_empty()
    {
        let message = format!("no unfinished process uses a resource `{name}`");
        return Err(Failure::new(Exit::Nothing, "CAR0438", message)
            .help("`carril resources` lists all that are in use or have a breaker"));
    }
    let changes = match name {
        Some(name) => Some(history.breaker_changes(name, CHANGES_MAX).await?),
        None => None,
    };
    if context.output.json() {
        let shapes = rows.into_values().map(|row| {
            let breaker = breakers.remove(&row.resource);
            ResourceShape::of(row, breaker, changes.clone())
        });
        let resources = shapes.collect();
        return context.output.value(&Shape { resources });
    }
    if rows.is_empty() {
        context
            .output
            .talk("no unfinished process uses a resource, and no breaker was ever kept");
        return Ok(());
    }
    draw(context, &rows, &breakers)?;
    for change in changes.into_iter().flatten() {
        context.output.data(&format!(
            "{}  {}",
            time::local(change.since, context.zone()),
            breaker_words(context, &change)
        ))?;
    }
    Ok(())
}

fn draw(
    context: &Context,
    rows: &BTreeMap<String, ResourceRow>,
    breakers: &BTreeMap<String, BreakerRow>,
) -> Result<(), Failure> {
    let mut columns = vec![
        "RESOURCE", ">IN USE", ">SLOTS", ">WAITING", "RATE", "BREAKER",
    ];
    // Where an engine is alone all of it is its own, which says nothing.
    let is_shared = |row: &ResourceRow| {
        let mut shares = row.shares.iter();
        let first = shares.next().map(|share| share.node);
        shares.any(|share| Some(share.node) != first)
    };
    let shared = rows.values().any(is_shared);
    if shared {
        columns.push("ENGINES");
    }
    let mut table = Table::new(&columns);
    for (name, row) in rows {
        let waiting = row.waiting_slot + row.waiting_rate + row.waiting_breaker;
        let breaker = match breakers.get(name) {
            Some(breaker) => breaker_words(context, breaker),
            None if row.limits.breaker.is_some() => BreakerState::Closed.to_string(),
            None => String::new(),
        };
        let mut cells = vec![
            name.clone(),
            number::count(row.in_use),
            row.limits
                .slots
                .map_or_else(String::new, |slots| number::count(u64::from(slots))),
            number::count(waiting),
            row.limits
                .rate
                .map_or_else(String::new, |rate| rate.to_string()),
            breaker,
        ];
        if shared {
            let engines = EngineShape::all(&row.shares);
            let words: Vec<String> = engines.iter().map(words_of).collect();
            cells.push(words.join("; "));
        }
        table.row(&cells);
    }
    context.output.data(&table.render())
}

/// `open until 14:03:10, as 5 uses in a row failed`.
fn breaker_words(context: &Context, row: &BreakerRow) -> String {
    let mut words = row.state.to_string();
    if row.forced {
        words.push_str(", held by hand");
    } else if let Some(until) = row.until {
        words.push_str(&format!(" until {}", time::local(until, context.zone())));
    }
    if let Some(reason) = &row.reason {
        words.push_str(&format!(", as {reason}"));
    }
    if row.failures > 0 {
        let failures = number::of(u64::from(row.failures), "failure", "failures");
        words.push_str(&format!(" ({failures} in a row)"));
    }
    words
}

#[cfg(test)]
mod tests;
