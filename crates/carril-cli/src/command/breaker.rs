//! `carril breaker`: a resource's circuit breaker is held open or closed, or decides by itself again.
//!
//! What is said here is the store's and outlives every engine, until it is said otherwise.

use crate::arguments::{Breaker, BreakerHow};
use crate::command::{control, resources};
use crate::context::Context;
use crate::door::{Door, Reply};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::Follower;
use crate::view::View;
use carril::model::breaker::BreakerWish;
use carril::model::contract::{History, ProcessFilter, Wish};
use std::collections::BTreeSet;

/// Processes, newest first, whose pipelines are asked which breakers there are.
const PROCESSES_MAX: u32 = 200;

/// Sets a breaker.
pub(crate) async fn run(context: &Context, arguments: &Breaker) -> Result<Exit, Failure> {
    let place = control::place(context)?;
    let store = place.store.clone();
    let reader = context.read(&store).await?;
    known(reader.history(), &arguments.name).await?;
    let wish = Wish::Breaker {
        resource: arguments.name.clone(),
        to: match arguments.how {
            BreakerHow::Open => BreakerWish::Open,
            BreakerHow::Close => BreakerWish::Close,
            BreakerHow::Auto => BreakerWish::Auto,
        },
        reason: arguments.reason.clone(),
    };
    let mut follower =
        Follower::open(context, place, View::for_one_answer(&context.output)).await?;
    let result = set(&mut follower, &wish).await;
    let closed = follower.close().await;
    result?;
    closed?;
    resources::tell(context, reader.history(), Some(&arguments.name)).await?;
    Ok(Exit::Ok)
}

/// A breaker that nobody has would be held for nothing: most likely its name is mistyped.
async fn known(history: &dyn History, name: &str) -> Result<(), Failure> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    let filter = ProcessFilter {
        max: PROCESSES_MAX,
        ..ProcessFilter::default()
    };
    let mut seen = BTreeSet::new();
    for process in history.processes(&filter).await? {
        if !seen.insert(process.version) {
            continue;
        }
        let resources = history.definition_of(process.id).await?.resources;
        let guarded = resources
            .into_iter()
            .filter(|(_, limits)| limits.breaker.is_some());
        names.extend(guarded.map(|(name, _)| name));
    }
    names.extend(
        history
            .breakers()
            .await?
            .into_iter()
            .map(|row| row.resource),
    );
    if names.contains(name) {
        return Ok(());
    }
    let message = format!("no process has a breaker for `{name}`, and none was ever kept");
    let help = if names.is_empty() {
        "a resource has one when its pipeline says `breaker = { failures = 5 }`; it is known from the first launch on".to_owned()
    } else {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        format!("there are breakers for {}", names.join(", "))
    };
    Err(Failure::new(Exit::Nothing, "CAR0436", message).help(help))
}

/// Has the engine set it, whoever that is.
async fn set(follower: &mut Follower<'_>, wish: &Wish) -> Result<(), Failure> {
    loop {
        if let Door::Engine(carril) = follower.door() {
            let Wish::Breaker {
                resource,
                to,
                reason,
            } = wish
            else {
                unreachable!("only this is asked for here")
            };
            let engine = carril.engine().clone();
            engine.breaker(resource, *to, reason.as_deref()).await?;
            return Ok(());
        }
        match follower.ask(wish).await? {
            Reply::NoEngine => follower.open_again().await?,
            Reply::Accepted(_) => return Ok(()),
        }
    }
}
