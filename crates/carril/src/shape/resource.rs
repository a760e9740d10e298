//! Resources and their breakers as programs read them.

use super::rfc3339;
use carril_model::breaker::{BreakerRow, BreakerState};
use carril_model::contract::{LimitKind, ResourceRow, ShareRow};
use serde::Serialize;
use std::collections::BTreeMap;

/// Who uses a resource, who waits for it, and how its breaker is.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourceShape {
    resource: String,
    slots: Option<u32>,
    in_use: u64,
    waiting: u64,
    waiting_slot: u64,
    waiting_rate: u64,
    waiting_breaker: u64,
    rate: Option<String>,
    breaker: Option<BreakerShape>,
    /// How engines that share it have it among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    engines: Vec<EngineShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<BreakerShape>>,
}

/// What one engine has of a resource that several share.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EngineShape {
    /// The engine.
    pub engine: i64,
    /// Where it runs.
    pub host: String,
    /// What it was started as.
    pub command: String,
    /// Slots that it may use.
    pub slots: Option<u32>,
    /// Slots that it could use.
    pub slots_wanted: Option<u32>,
    /// Thousandths of the rate that it may use.
    pub rate_permille: Option<u32>,
    /// Thousandths of the rate that it could use.
    pub rate_permille_wanted: Option<u32>,
}

impl EngineShape {
    /// One of each engine, in their order.
    #[must_use]
    pub fn all(shares: &[ShareRow]) -> Vec<Self> {
        let mut engines: BTreeMap<i64, Self> = BTreeMap::new();
        for share in shares {
            let engine = engines.entry(share.node.0).or_insert_with(|| Self {
                engine: share.node.0,
                host: share.host.clone(),
                command: share.command.clone(),
                slots: None,
                slots_wanted: None,
                rate_permille: None,
                rate_permille_wanted: None,
            });
            let (has, wants) = match share.kind {
                LimitKind::Slot => (&mut engine.slots, &mut engine.slots_wanted),
                LimitKind::Rate => (&mut engine.rate_permille, &mut engine.rate_permille_wanted),
            };
            (*has, *wants) = (Some(share.granted), Some(share.wants));
        }
        engines.into_values().collect()
    }
}

/// A circuit breaker.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BreakerShape {
    state: &'static str,
    failures: u32,
    successes: u32,
    since: Option<String>,
    until: Option<String>,
    forced: bool,
    reason: Option<String>,
}

impl BreakerShape {
    fn of(row: BreakerRow) -> Self {
        Self {
            state: row.state.name(),
            failures: row.failures,
            successes: row.successes,
            since: Some(rfc3339(row.since)),
            until: row.until.map(rfc3339),
            forced: row.forced,
            reason: row.reason,
        }
    }

    /// One that never counted anything, and was never kept.
    const fn untouched() -> Self {
        Self {
            state: BreakerState::Closed.name(),
            failures: 0,
            successes: 0,
            since: None,
            until: None,
            forced: false,
            reason: None,
        }
    }
}

impl ResourceShape {
    /// A resource with its breaker, and with the last changes of that where they are asked for.
    #[must_use]
    pub fn of(
        row: ResourceRow,
        breaker: Option<BreakerRow>,
        changes: Option<Vec<BreakerRow>>,
    ) -> Self {
        let untouched = row.limits.breaker.map(|_| BreakerShape::untouched());
        Self {
            slots: row.limits.slots,
            in_use: row.in_use,
            waiting: row.waiting_slot + row.waiting_rate + row.waiting_breaker,
            waiting_slot: row.waiting_slot,
            waiting_rate: row.waiting_rate,
            waiting_breaker: row.waiting_breaker,
            rate: row.limits.rate.map(|rate| rate.to_string()),
            breaker: breaker.map(BreakerShape::of).or(untouched),
            engines: EngineShape::all(&row.shares),
            changes: changes.map(|rows| rows.into_iter().map(BreakerShape::of).collect()),
            resource: row.resource,
        }
    }
}
