//! Tokens: made, shown once, revoked. The store keeps a hash of each, and nobody can read the secret again.

use super::Done;
use crate::access::{Caller, Secret, hash_of};
use crate::app::App;
use crate::parameters::{Name, body};
use crate::problem::Problem;
use crate::told::Told;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use carril::model::contract::{Fault, NewToken, Role};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// Most bytes of a token's name.
const NAME_BYTES_MAX: usize = 100;
/// Most days that a token can be given: ten years.
const DAYS_MAX: u32 = 3_650;

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenBody {
    /// What people call it.
    name: String,
    /// `viewer`, `operator` or `admin`.
    role: String,
    /// Days until it ends by itself; never by default.
    #[serde(default)]
    days: Option<u32>,
}

/// A token that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenMade {
    id: i64,
    name: String,
    role: &'static str,
    /// What its bearer sends. It is shown this once and kept nowhere.
    token: String,
}

/// Makes a token.
pub(crate) async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    bytes: Bytes,
) -> Result<Told, Problem> {
    let body: TokenBody = body(&bytes)?;
    let role: Role =
        (body.role.parse()).map_err(|error| Problem::unreadable(format!("{error}")))?;
    let is_name =
        (1..=NAME_BYTES_MAX).contains(&body.name.len()) && !body.name.chars().any(char::is_control);
    if !is_name {
        let detail = format!("a token's name has 1 to {NAME_BYTES_MAX} bytes and is one line");
        return Err(Problem::unreadable(detail));
    }
    if body
        .days
        .is_some_and(|days| !(1..=DAYS_MAX).contains(&days))
    {
        let detail = format!("a token ends after 1 to {DAYS_MAX} days");
        return Err(Problem::unreadable(detail));
    }
    let secret = Secret::draw()
        .ok_or_else(|| Problem::of_code("CAR0800", "the system gives no random numbers"))?;
    let now = app.now();
    let days = |days: u32| Duration::from_secs(u64::from(days) * 86_400);
    let token = NewToken {
        name: body.name,
        role,
        hash: hash_of(secret.text()),
        by: caller.name,
        at: now,
        expires_at: body.days.map(|count| now.after(days(count))),
    };
    let id = match app.house.reader().access().add_token(&token).await {
        Ok(id) => id,
        Err(Fault::Conflict(why)) => return Err(Problem::of_code("CAR0914", why)),
        Err(fault) => return Err(fault.into()),
    };
    let made = TokenMade {
        id,
        name: token.name,
        role: role.name(),
        token: secret.text().to_owned(),
    };
    Ok(Told::created(&made, "/api/v1/tokens".to_owned()))
}

/// Revokes a token.
pub(crate) async fn revoke(State(app): State<App>, Name(name): Name) -> Result<Told, Problem> {
    let access = app.house.reader().access();
    if !access.revoke_token(&name, app.now()).await? {
        let detail = format!("there is no token `{name}` that was not revoked");
        return Err(Problem::of_code("CAR0915", detail));
    }
    Ok(Told::accepted(&Done {
        processes: Vec::new(),
        message: format!("token `{name}` opens nothing any more"),
        preview: None,
    }))
}
