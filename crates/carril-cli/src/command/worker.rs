//! `carril worker`: an engine that stays, works on whatever its store holds unfinished and on what is launched there, and answers
//! what other programs ask.
//!
//! On PostgreSQL any number of them share one store; in a file there is one. What happens is told as plain lines or as JSON lines.
//! It ends when it is told to: lanes finish the steps that run, the rest is handed back.

use crate::arguments::{Inputs, Worker};
use crate::context::Context;
use crate::door::{self, Door, Place};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{Seen, done, end, next_event};
use crate::found;
use crate::interrupts::Interrupts;
use crate::output::number;
use crate::view::json;
use carril::event::Event;
use carril::model::id::ProcessId;
use carril::model::state::ProcessState;
use carril::{Carril, EngineError, EngineSettings, OpenError};
use std::collections::BTreeMap;
use std::time::Duration;

/// Processes of which it is remembered what was told; an older one that moves again may be told twice.
const STATES_MAX: usize = 1_000;

/// How long the name of a process's pipeline is waited for.
const NAME_TIME: Duration = Duration::from_secs(1);

/// Works until it is told to end.
pub(crate) async fn run(context: &Context, arguments: &Worker) -> Result<Exit, Failure> {
    let folder = context.absolute(&arguments.folder);
    let settings = context.settings(Some(&folder), &Inputs::default())?;
    let store = context.store_of(&settings);
    let place = Place {
        store: store.clone(),
        folder,
        retention: settings.retention,
        engine: EngineSettings {
            lanes: arguments.lanes.or(settings.engine.lanes),
            ..settings.engine
        },
        http: settings.http,
        stays: true,
    };
    let mut interrupts = Interrupts::listen()?;
    let carril = match door::open(context, &place).await? {
        Door::Engine(carril) => carril,
        Door::Mail(_, holder) => return Err(OpenError::Held { holder }.into()),
    };
    let mut work = Work {
        context,
        events: Some(carril.engine().events()),
        carril,
        states: BTreeMap::new(),
    };
    context.output.talk(&format!(
        "at work on {}{}; Ctrl-C hands back what is unfinished",
        store.shown(),
        place.engine.lanes.map_or_else(String::new, |lanes| {
            let lanes = number::of(u64::from(lanes), "lane", "lanes");
            format!(" in {lanes}")
        })
    ));
    let stopped = work.until_told(&mut interrupts).await?;
    context.output.talk(&format!(
        "letting running steps finish, up to {} s; Ctrl-C stops them",
        arguments.grace.as_secs()
    ));
    let closed = end(&work.carril, arguments.grace, &mut interrupts).await;
    match stopped {
        Some(error) => Err(error.into()),
        None => closed.map(|()| Exit::Ok),
    }
}

struct Work<'a> {
    context: &'a Context,
    carril: Carril,
    events: Option<tokio::sync::broadcast::Receiver<Event>>,
    /// What was told last of each process, of the newest ones.
    states: BTreeMap<ProcessId, ProcessState>,
}

impl Work<'_> {
    /// Works; gives why the engine stopped, if it did so by itself.
    async fn until_told(
        &mut self,
        interrupts: &mut Interrupts,
    ) -> Result<Option<EngineError>, Failure> {
        for (row, error) in self.carril.adopt_unsettled().await {
            let why = Failure::from(error);
            self.context.output.talk(&format!(
                "process {} ({}) cannot go on here: {}",
                row.id, row.pipeline, why.message
            ));
        }
        let engine = self.carril.engine().clone();
        let mut stopped = std::pin::pin!(engine.stopped());
        loop {
            tokio::select! {
                biased;
                () = interrupts.next() => return Ok(None),
                error = &mut stopped => return Ok(Some(error)),
                seen = next_event(&mut self.events) => self.tell(&seen).await?,
            }
        }
    }

    /// The name of a process's pipeline in brackets; nothing where the store does not say it soon. A worker must not end because a line
    /// of its talk lacks a name, nor be deaf to signals while it waits for one.
    async fn pipeline_of(&self, process: ProcessId) -> String {
        let asked = found::process(self.carril.history(), process);
        match tokio::time::timeout(NAME_TIME, asked).await {
            Ok(Ok(Some(row))) => format!(" ({})", row.pipeline),
            _ => String::new(),
        }
    }

    async fn tell(&mut self, seen: &Seen) -> Result<(), Failure> {
        let output = &self.context.output;
        if output.quiet() {
            return Ok(());
        }
        if output.json() {
            return match seen {
                Seen::Event(event) => json::event(output, event),
                Seen::Lost(count) => json::lost(output, *count),
            };
        }
        match seen {
            Seen::Event(Event::Process {
                process,
                state,
                tally,
                ..
            }) => {
                let before = self.states.insert(*process, *state);
                if self.states.len() > STATES_MAX {
                    self.states.pop_first();
                }
                if before == Some(*state) {
                    return Ok(());
                }
                let pipeline = self.pipeline_of(*process).await;
                output.talk(&format!(
                    "process {process}{pipeline} is {state}: {}",
                    done(tally)
                ));
            }
            Seen::Event(Event::Alert { message, .. }) => output.talk(message),
            Seen::Event(_) | Seen::Lost(_) => {}
        }
        Ok(())
    }
}
