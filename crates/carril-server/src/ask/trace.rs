//! Where the time of a process went: timeline, overlaps, bottlenecks, waits, locks.

use super::{cut, process};
use crate::app::App;
use crate::parameters::{Id, Parameters};
use crate::problem::Problem;
use crate::told::Told;
use axum::extract::State;
use carril::shape::{
    BottleneckShape, LockCostShape, LockRowShape, OverlapShape, SpentShape, TimelineShape,
};
use serde::Serialize;
use utoipa::ToSchema;

/// Each entity in each stage.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelineView<'a> {
    process: i64,
    rows: Vec<TimelineShape<'a>>,
    more: bool,
}

/// Who used what at the same time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Overlaps<'a> {
    process: i64,
    rows: Vec<OverlapShape<'a>>,
    more: bool,
    locks: Vec<LockRowShape<'a>>,
    more_locks: bool,
}

/// What resources cost.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Bottlenecks<'a> {
    process: i64,
    rows: Vec<BottleneckShape<'a>>,
    more: bool,
    locks: Vec<LockCostShape<'a>>,
    more_locks: bool,
}

/// Time by cause.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Waits<'a> {
    process: i64,
    rows: Vec<SpentShape>,
    more: bool,
    locks: Vec<LockCostShape<'a>>,
    more_locks: bool,
}

/// Waits for locks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Locks<'a> {
    process: i64,
    rows: Vec<LockRowShape<'a>>,
    more: bool,
}

/// When each entity was in which stage.
pub(crate) async fn timeline(
    State(app): State<App>,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Told, Problem> {
    let limit = parameters.rows()?;
    let process = process(&app, id).await?;
    let found = app.history().timeline(process.id, limit + 1).await?;
    let (rows, more) = cut(found, limit);
    Ok(Told::ok(&TimelineView {
        process: id,
        rows: rows.iter().map(TimelineShape::from).collect(),
        more,
    }))
}

/// Who used the same resource at the same time.
pub(crate) async fn overlaps(
    State(app): State<App>,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Told, Problem> {
    let limit = parameters.rows()?;
    let process = process(&app, id).await?;
    let (rows, more) = cut(app.history().overlaps(process.id, limit + 1).await?, limit);
    let (locks, more_locks) = cut(app.history().locks(process.id, limit + 1).await?, limit);
    Ok(Told::ok(&Overlaps {
        process: id,
        rows: rows.iter().map(OverlapShape::from).collect(),
        more,
        locks: locks.iter().map(LockRowShape::from).collect(),
        more_locks,
    }))
}

/// What each resource cost.
pub(crate) async fn bottlenecks(
    State(app): State<App>,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Told, Problem> {
    let (limit, history) = (parameters.rows()?, app.history());
    let process = process(&app, id).await?;
    let (rows, more) = cut(history.bottlenecks(process.id, limit + 1).await?, limit);
    let (locks, more_locks) = cut(history.lock_costs(process.id, limit + 1).await?, limit);
    Ok(Told::ok(&Bottlenecks {
        process: id,
        rows: rows.iter().map(BottleneckShape::from).collect(),
        more,
        locks: locks.iter().map(LockCostShape::from).collect(),
        more_locks,
    }))
}

/// Where time went, by cause.
pub(crate) async fn waits(
    State(app): State<App>,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Told, Problem> {
    let (limit, history) = (parameters.rows()?, app.history());
    let process = process(&app, id).await?;
    let (rows, more) = cut(history.waits(process.id, app.now()).await?, limit);
    let (locks, more_locks) = cut(history.lock_costs(process.id, limit + 1).await?, limit);
    Ok(Told::ok(&Waits {
        process: id,
        rows: rows.iter().map(SpentShape::from).collect(),
        more,
        locks: locks.iter().map(LockCostShape::from).collect(),
        more_locks,
    }))
}

/// Waits for locks, one by one.
pub(crate) async fn locks(
    State(app): State<App>,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Told, Problem> {
    let limit = parameters.rows()?;
    let process = process(&app, id).await?;
    let (rows, more) = cut(app.history().locks(process.id, limit + 1).await?, limit);
    Ok(Told::ok(&Locks {
        process: id,
        rows: rows.iter().map(LockRowShape::from).collect(),
        more,
    }))
}
