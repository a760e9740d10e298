//! What only administrators read: tokens, and the log of who did what.

use super::cut;
use crate::app::App;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::told::Told;
use axum::extract::State;
use carril::shape::{DeedShape, TokenShape};
use serde::Serialize;
use utoipa::ToSchema;

/// Every token.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tokens {
    tokens: Vec<TokenShape>,
}

/// A page of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Deeds {
    deeds: Vec<DeedShape>,
    /// `before` of the next page; `null` on the last one.
    next: Option<i64>,
}

/// Lists tokens.
pub(crate) async fn tokens(State(app): State<App>) -> Result<Told, Problem> {
    let rows = app.house.reader().access().tokens().await?;
    Ok(Told::ok(&Tokens {
        tokens: rows.into_iter().map(TokenShape::from).collect(),
    }))
}

/// Lists what was done.
pub(crate) async fn deeds(State(app): State<App>, parameters: Parameters) -> Result<Told, Problem> {
    let limit = parameters.limit()?;
    let before = parameters.one("before")?;
    let access = app.house.reader().access();
    let (rows, more) = cut(access.deeds(before, limit + 1).await?, limit);
    Ok(Told::ok(&Deeds {
        next: rows.last().filter(|_| more).map(|row| row.id),
        deeds: rows.into_iter().map(DeedShape::from).collect(),
    }))
}
