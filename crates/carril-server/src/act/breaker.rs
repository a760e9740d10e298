//! Breakers, held open or closed by hand, or let go to decide by themselves again.

use super::{Preview, done, previewed};
use crate::app::App;
use crate::ask::things::found;
use crate::parameters::{Name, Parameters, body};
use crate::problem::Problem;
use crate::told::Told;
use axum::body::Bytes;
use axum::extract::State;
use carril::model::breaker::BreakerWish;
use carril::model::contract::Wish;
use serde::Deserialize;
use utoipa::ToSchema;

/// What of a breaker.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BreakerBody {
    /// `open` or `close` until it is said otherwise, `auto` by itself again.
    to: BreakerTo,
    /// Why, for people.
    #[serde(default)]
    reason: Option<String>,
}

/// How it is held.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BreakerTo {
    /// Nothing goes through.
    Open,
    /// Everything goes through.
    Close,
    /// It decides by itself, with nothing counted.
    Auto,
}

/// Sets a breaker.
pub(crate) async fn set(
    State(app): State<App>,
    Name(name): Name,
    parameters: Parameters,
    bytes: Bytes,
) -> Result<Told, Problem> {
    let body: BreakerBody = body(&bytes)?;
    let known = found(&app).await?.remove(&name);
    let guarded = known.filter(|(row, breaker)| breaker.is_some() || row.limits.breaker.is_some());
    let Some((row, _)) = guarded else {
        let detail = format!("no unfinished process has a breaker for `{name}`, and none was kept");
        return Err(Problem::of_code("CAR0436", detail));
    };
    let to = match body.to {
        BreakerTo::Open => BreakerWish::Open,
        BreakerTo::Close => BreakerWish::Close,
        BreakerTo::Auto => BreakerWish::Auto,
    };
    if parameters.switch("preview")? {
        let preview = Preview {
            executions: row.in_use + row.waiting_breaker,
            ..Preview::default()
        };
        let message = format!("{} use it, {} wait for it", row.in_use, row.waiting_breaker);
        return Ok(previewed(Vec::new(), message, preview));
    }
    let wish = Wish::Breaker {
        resource: name,
        to,
        reason: body.reason,
    };
    done(&app, wish).await
}
