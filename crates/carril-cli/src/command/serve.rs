//! `carril serve`: a store over HTTP, with an engine that stays and works on what is launched, until it is told to end.
//!
//! The server ends first, so that nothing new comes in; then lanes finish the steps that run, and the rest is handed back.

use crate::arguments::{Inputs, Serve};
use crate::context::Context;
use crate::door::{self, Door, Place};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::end;
use crate::interrupts::Interrupts;
use crate::notify;
use carril::{Carril, EngineError, EngineSettings, OpenError, Settings};
use carril_server::{Authentication, House, Options, ServeError, Server};
use serde::Serialize;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Serialize)]
struct Listening {
    event: &'static str,
    url: String,
    engine: bool,
    tokens: bool,
}

/// Serves until it is told to end.
pub(crate) async fn run(context: &Context, arguments: &Serve) -> Result<Exit, Failure> {
    let folder = context.absolute(&arguments.folder);
    let settings = context.settings(Some(&folder), &Inputs::default())?;
    let mut interrupts = Interrupts::listen()?;
    let options = options(context, arguments, &settings, folder.clone());
    let house = open(context, arguments, &settings, folder).await?;
    let bound = Server::bind(house.clone(), options).await;
    let server = match bound {
        Ok(server) => server,
        Err(error) => {
            if let House::Engine(carril) = &house {
                carril.shutdown(Duration::ZERO).await?;
            }
            return Err(refused(&error));
        }
    };
    tell(context, &server, &house).await?;
    let stop = CancellationToken::new();
    let serving = server.run(stop.clone().cancelled_owned());
    let stopped = async {
        let stopped = until_told(context, &house, &mut interrupts).await;
        notify::tell(&context.surroundings, notify::STOPPING);
        stop.cancel();
        stopped
    };
    let ((), stopped) = tokio::join!(serving, stopped);
    let House::Engine(carril) = &house else {
        return Ok(Exit::Ok);
    };
    context.output.talk(&format!(
        "letting running steps finish, up to {} s; Ctrl-C stops them",
        arguments.grace.as_secs()
    ));
    let closed = end(carril, arguments.grace, &mut interrupts).await;
    match stopped {
        Some(error) => Err(error.into()),
        None => closed.map(|()| Exit::Ok),
    }
}

fn options(
    context: &Context,
    arguments: &Serve,
    settings: &Settings,
    folder: std::path::PathBuf,
) -> Options {
    let server = &settings.server;
    let mut options = Options::new(folder);
    options.page = Some(carril_server::console);
    options.listen = arguments.listen.unwrap_or(server.listen);
    options.lookup = context.surroundings.lookup.clone();
    options.hosts.clone_from(&server.hosts);
    options.origins.clone_from(&server.origins);
    options.procesos.clone_from(&server.procesos);
    if server.tokens_always {
        options.authentication = Authentication::Tokens;
    }
    options
}

/// The store, with its engine or without.
async fn open(
    context: &Context,
    arguments: &Serve,
    settings: &Settings,
    folder: std::path::PathBuf,
) -> Result<House, Failure> {
    let store = context.store_of(settings);
    if arguments.no_engine {
        return Ok(House::Reader(context.read(&store).await?));
    }
    let place = Place {
        store,
        folder,
        retention: settings.retention,
        engine: EngineSettings {
            lanes: arguments.lanes.or(settings.engine.lanes),
            ..settings.engine
        },
        http: settings.http.clone(),
        stays: true,
    };
    match door::open(context, &place).await? {
        Door::Engine(carril) => Ok(House::Engine(carril)),
        Door::Mail(_, holder) => {
            let failure = Failure::from(OpenError::Held { holder });
            Err(failure.help("`--no-engine` serves it beside that one"))
        }
    }
}

/// Tells people, programs and the service manager where it is.
async fn tell(context: &Context, server: &Server, house: &House) -> Result<(), Failure> {
    let is_open = server.is_open().await?;
    let url = format!("http://{}", server.address());
    if context.output.json() {
        context.output.line(&Listening {
            event: "listening",
            url,
            engine: matches!(house, House::Engine(_)),
            tokens: !is_open,
        })?;
    } else {
        context.output.data(&url)?;
        let who = if is_open {
            "whoever is on this machine may do everything, as no token was made yet"
        } else {
            "who has a token comes in"
        };
        context
            .output
            .talk(&format!("{who}; Ctrl-C hands back what is unfinished"));
    }
    notify::tell(&context.surroundings, notify::READY);
    Ok(())
}

/// Works; gives why the engine stopped, if it did so by itself.
async fn until_told(
    context: &Context,
    house: &House,
    interrupts: &mut Interrupts,
) -> Option<EngineError> {
    match house {
        House::Engine(carril) => work(context, carril, interrupts).await,
        House::Reader(_) => {
            interrupts.next().await;
            None
        }
    }
}

async fn work(
    context: &Context,
    carril: &Carril,
    interrupts: &mut Interrupts,
) -> Option<EngineError> {
    for (row, error) in carril.adopt_unsettled().await {
        let why = Failure::from(error);
        context.output.talk(&format!(
            "process {} ({}) cannot go on here: {}",
            row.id, row.pipeline, why.message
        ));
    }
    tokio::select! {
        biased;
        () = interrupts.next() => None,
        error = carril.engine().stopped() => Some(error),
    }
}

fn refused(error: &ServeError) -> Failure {
    let exit = match error {
        ServeError::Open(_) => Exit::Refused,
        ServeError::Port(..) | ServeError::Store(_) => Exit::Unreachable,
    };
    Failure::new(exit, error.code(), error.to_string())
}
