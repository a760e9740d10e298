//! `carril token`: what lets people and programs in to `carril serve`. The store keeps a hash; the secret is printed once.

use crate::arguments::{TokenCommand, TokenCreate};
use crate::command::control;
use crate::context::{Context, Reading};
use crate::door::{self, Door};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::table::Table;
use crate::output::time;
use carril::model::contract::{Fault, NewToken};
use carril::shape::{TokenShape, rfc3339};
use carril_server::{Secret, hash_of};
use serde::Serialize;
use std::time::Duration;

#[derive(Debug, Serialize)]
struct Made<'a> {
    id: i64,
    name: &'a str,
    role: &'static str,
    expires_at: Option<String>,
    token: &'a str,
}

#[derive(Debug, Serialize)]
struct Listed {
    tokens: Vec<TokenShape>,
}

#[derive(Debug, Serialize)]
struct Revoked<'a> {
    revoked: &'a str,
}

/// Does what is asked of tokens.
pub(crate) async fn run(context: &Context, what: &TokenCommand) -> Result<Exit, Failure> {
    match what {
        TokenCommand::Create(arguments) => create(context, arguments).await,
        TokenCommand::List => list(context).await,
        TokenCommand::Revoke(arguments) => revoke(context, &arguments.name).await,
    }
}

/// The store, made if it is not there: who secures a server does that before anything runs.
async fn store(context: &Context) -> Result<Reading, Failure> {
    let place = control::place(context)?;
    if let Some(reader) = context.read_if_there(&place.store).await? {
        return Ok(reader);
    }
    if let Door::Engine(carril) = door::open(context, &place).await? {
        carril.shutdown(Duration::ZERO).await?;
    }
    context.read(&place.store).await
}

async fn create(context: &Context, arguments: &TokenCreate) -> Result<Exit, Failure> {
    let reader = store(context).await?;
    let secret =
        Secret::draw().ok_or_else(|| Failure::internal("the system gives no random numbers"))?;
    let now = context.now();
    let token = NewToken {
        name: arguments.name.clone(),
        role: arguments.role,
        hash: hash_of(secret.text()),
        by: context.surroundings.user.clone(),
        at: now,
        expires_at: arguments.expires.0.map(|age| now.after(age)),
    };
    let id = match reader.access().add_token(&token).await {
        Ok(id) => id,
        Err(Fault::Conflict(why)) => {
            return Err(Failure::new(Exit::Refused, "CAR0914", why)
                .help("revoke it first, or choose another name"));
        }
        Err(fault) => return Err(fault.into()),
    };
    if context.output.json() {
        context.output.line(&Made {
            id,
            name: &token.name,
            role: token.role.name(),
            expires_at: token.expires_at.map(rfc3339),
            token: secret.text(),
        })?;
        return Ok(Exit::Ok);
    }
    context.output.talk(&format!(
        "token `{}` ({}); this is the only time that it is shown:",
        token.name, token.role
    ));
    context.output.data(secret.text())?;
    Ok(Exit::Ok)
}

async fn list(context: &Context) -> Result<Exit, Failure> {
    let reader = context.reader().await?;
    let rows = reader.access().tokens().await?;
    if context.output.json() {
        let tokens = rows.into_iter().map(TokenShape::from).collect();
        context.output.value(&Listed { tokens })?;
        return Ok(Exit::Ok);
    }
    if rows.is_empty() {
        context
            .output
            .talk("no token was made yet; `carril token create NAME` makes one");
        return Ok(Exit::Ok);
    }
    let now = context.now();
    let mut table = Table::new(&["NAME", "ROLE", "STATE", "MADE", "BY"]);
    for row in &rows {
        let state = match (row.revoked_at, row.expires_at) {
            (Some(at), _) => format!("revoked {}", time::local(at, context.zone())),
            (None, Some(end)) if now >= end => "expired".to_owned(),
            (None, Some(end)) => format!("until {}", time::local(end, context.zone())),
            (None, None) => "good".to_owned(),
        };
        table.row(&[
            row.name.clone(),
            row.role.to_string(),
            state,
            time::local(row.created_at, context.zone()),
            row.created_by.clone(),
        ]);
    }
    context.output.data(&table.render())?;
    Ok(Exit::Ok)
}

async fn revoke(context: &Context, name: &str) -> Result<Exit, Failure> {
    let reader = context.reader().await?;
    if !reader.access().revoke_token(name, context.now()).await? {
        let message = format!("there is no token `{name}` that was not revoked");
        return Err(Failure::new(Exit::Nothing, "CAR0915", message)
            .help("`carril token list` tells which there are"));
    }
    if context.output.json() {
        context.output.line(&Revoked { revoked: name })?;
    } else {
        let told = format!("token `{name}` opens nothing any more");
        context.output.data(&told)?;
    }
    Ok(Exit::Ok)
}
