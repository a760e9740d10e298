//! Where the time of a process went, as programs read it: timeline, overlaps, bottlenecks, waits.

use super::rfc3339;
use carril_model::contract::{BottleneckRow, OverlapRow, TimelineRow, WaitRow};
use serde::Serialize;

/// Two executions that used the same resource at the same time.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OverlapShape<'a> {
    resource: &'a str,
    first: i64,
    first_entity: Option<&'a str>,
    second: i64,
    second_entity: Option<&'a str>,
    from: String,
    micros: i64,
}

impl<'a> From<&'a OverlapRow> for OverlapShape<'a> {
    fn from(row: &'a OverlapRow) -> Self {
        Self {
            resource: &row.resource,
            first: row.first.0,
            first_entity: row.first_entity.as_deref(),
            second: row.second.0,
            second_entity: row.second_entity.as_deref(),
            from: rfc3339(row.from),
            micros: row.micros,
        }
    }
}

/// What one resource cost.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BottleneckShape<'a> {
    resource: &'a str,
    accesses: u64,
    mean_micros: i64,
    max_micros: i64,
    waits: u64,
    waited_micros: i64,
    locks: u64,
}

impl<'a> From<&'a BottleneckRow> for BottleneckShape<'a> {
    fn from(row: &'a BottleneckRow) -> Self {
        let BottleneckRow {
            resource,
            accesses,
            mean_micros,
            max_micros,
            waits,
            waited_micros,
            locks,
        } = row;
        let (accesses, mean_micros, max_micros) = (*accesses, *mean_micros, *max_micros);
        Self {
            resource,
            accesses,
            mean_micros,
            max_micros,
            waits: *waits,
            waited_micros: *waited_micros,
            locks: *locks,
        }
    }
}

/// Time by cause.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SpentShape {
    cause: &'static str,
    executions: u64,
    total_micros: i64,
    max_micros: i64,
    worst: Option<i64>,
}

impl From<&WaitRow> for SpentShape {
    fn from(row: &WaitRow) -> Self {
        Self {
            cause: row.cause.name(),
            executions: row.executions,
            total_micros: row.total_micros,
            max_micros: row.max_micros,
            worst: row.worst.map(|id| id.0),
        }
    }
}

/// One entity in one stage.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimelineShape<'a> {
    execution: i64,
    entity: Option<&'a str>,
    stage: &'a str,
    began: String,
    ended: Option<String>,
    busy_micros: i64,
    state: &'static str,
}

impl<'a> From<&'a TimelineRow> for TimelineShape<'a> {
    fn from(row: &'a TimelineRow) -> Self {
        Self {
            execution: row.execution.0,
            entity: row.entity.as_deref(),
            stage: &row.stage,
            began: rfc3339(row.began),
            ended: row.ended.map(rfc3339),
            busy_micros: row.busy_micros,
            state: row.state.name(),
        }
    }
}
