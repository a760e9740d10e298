//! Following a process to its end, as its engine or beside the one that runs it.
//!
//! ```text
//!  own engine ──events──▶ view        another's engine ──history──▶ view
//!       ▲                                     │ it ends
//!       └──────────── becomes the engine ◄────┘
//! ```
//!
//! The view is told what happens and draws it; nothing here prints by itself.

use crate::context::Context;
use crate::door::{self, Door, LOOK, Place, Reply};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::found;
use crate::interrupts::Interrupts;
use crate::output::{number, time};
use crate::view::View;
use carril::event::Event;
use carril::model::contract::{ProcessFilter, ProcessRow, Selection, Tally, Wish};
use carril::model::id::ProcessId;
use carril::model::state::ProcessState;
use carril::{Carril, EngineSeen};
use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::Sleep;

/// How often a view that draws is given a look at the store; it redraws at most 10 times a second.
const GLANCE: Duration = Duration::from_millis(200);
/// How long running steps may take to end after the first Ctrl-C, before they are stopped.
const GRACE: Duration = Duration::from_secs(30);
/// How long stopped steps may take to end after the second.
const GRACE_HARD: Duration = Duration::from_secs(5);
/// Unfinished processes that are told at the end; nobody reads more.
const UNFINISHED_MAX: u32 = 1_000;

/// How following ended.
pub(crate) enum End {
    /// The process has settled.
    Settled(Box<ProcessRow>),
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

/// Follows processes for one command.
pub(crate) struct Follower<'a> {
    pub(crate) context: &'a Context,
    pub(crate) view: View,
    place: Place,
    door: Door,
    events: Option<broadcast::Receiver<Event>>,
    interrupts: Interrupts,
    deadline: Option<(Duration, Pin<Box<Sleep>>)>,
    timed_out: bool,
    /// Unfinished processes of former engines that this one goes on with.
    adopted: BTreeSet<ProcessId>,
    /// The process that is followed, once one is.
    followed: Option<ProcessId>,
    /// Whether whoever watches was told last that it is paused.
    told_paused: bool,
}

impl<'a> Follower<'a> {
    /// Opens the way to the engine.
    ///
    /// # Errors
    /// As [`door::open`].
    pub(crate) async fn open(
        context: &'a Context,
        place: Place,
        view: View,
    ) -> Result<Self, Failure> {
        let interrupts = Interrupts::listen()?;
        let door = door::open(context, &place).await?;
        let events = events_of(&door, &view);
        Ok(Self {
            context,
            view,
            place,
            door,
            events,
            interrupts,
            deadline: None,
            timed_out: false,
            adopted: BTreeSet::new(),
            followed: None,
            told_paused: false,
        })
    }

    /// The way to the engine.
    pub(crate) const fn door(&self) -> &Door {
        &self.door
    }

    /// Cancels the process that is followed when this time is over, from now on.
    pub(crate) fn cancel_after(&mut self, timeout: Option<Duration>) {
        self.deadline = timeout.map(|timeout| (timeout, Box::pin(tokio::time::sleep(timeout))));
    }

    /// Whether that time is over.
    pub(crate) const fn timed_out(&self) -> bool {
        self.timed_out
    }

    /// Opens the way again, when the other engine has ended.
    ///
    /// # Errors
    /// As [`door::open`].
    pub(crate) async fn open_again(&mut self) -> Result<(), Failure> {
        self.door = door::open(self.context, &self.place).await?;
        self.events = events_of(&self.door, &self.view);
        Ok(())
    }

    /// Leaves a wish with the other engine; without one, [`Reply::NoEngine`].
    ///
    /// # Errors
    /// What the engine refused.
    pub(crate) async fn ask(&mut self, wish: &Wish) -> Result<Reply, Failure> {
        let Door::Mail(reader, holder) = &self.door else {
            return Ok(Reply::NoEngine);
        };
        door::ask(self.context, (reader, holder), wish, &mut self.interrupts).await
    }

    /// Follows a process until it has settled.
    ///
    /// # Errors
    /// When the store fails, or the engine can no longer write to it.
    pub(crate) async fn follow(&mut self, process: ProcessId) -> Result<End, Failure> {
        self.followed = Some(process);
        self.told_paused = false;
        loop {
            match &self.door {
                Door::Engine(carril) => {
                    let carril = carril.clone();
                    return self.follow_own(&carril, process).await;
                }
                Door::Mail(..) => {
                    if let Some(end) = self.follow_other(process).await? {
                        return Ok(end);
                    }
                    self.take_over().await?;
                }
            }
        }
    }

    /// Goes on with what is unfinished, now that this program is an engine of the store: with everything where it is the only one,
    /// and where others share it with what this command is about, as the rest is theirs. Tells what cannot go on.
    pub(crate) async fn adopt(
        &mut self,
        except: Option<ProcessId>,
        about: impl Fn(&ProcessRow) -> bool,
    ) {
        let Door::Engine(carril) = &self.door else {
            return;
        };
        let is_alone = !carril.is_shared();
        let is_ours = |row: &&ProcessRow| Some(row.id) != except && (is_alone || about(row));
        for row in carril.unsettled().iter().filter(is_ours) {
            match carril.engine().adopt(row.clone()).await {
                Ok(()) => {
                    self.adopted.insert(row.id);
                }
                Err(error) => {
                    let why = Failure::from(error);
                    self.view.say(&format!(
                        "process {} ({}) cannot go on: {}",
                        row.id, row.pipeline, why.message
                    ));
                }
            }
        }
    }

    /// What this program's engine has in hand besides these processes and has not finished, oldest first: what it adopted, and
    /// what other programs asked it for. Unfinished processes that it never touched are not its own to tell.
    ///
    /// # Errors
    /// As the store.
    pub(crate) async fn unfinished_besides(
        &self,
        followed: &[ProcessId],
    ) -> Result<Vec<ProcessRow>, Failure> {
        let Door::Engine(carril) = &self.door else {
            return Ok(Vec::new());
        };
        let filter = ProcessFilter {
            states: vec![ProcessState::Running, ProcessState::Paused],
            max: UNFINISHED_MAX,
            ..ProcessFilter::default()
        };
        let mut rows = carril.history().processes(&filter).await?;
        let untouched = |id: ProcessId| {
            let is_known = || carril.unsettled().iter().any(|left| left.id == id);
            !self.adopted.contains(&id) && (carril.is_shared() || is_known())
        };
        rows.retain(|row| !followed.contains(&row.id) && !untouched(row.id));
        rows.reverse();
        Ok(rows)
    }

    async fn take_over(&mut self) -> Result<(), Failure> {
        self.open_again().await?;
        if matches!(self.door, Door::Engine(_)) {
            self.view
                .say("the engine that ran it has ended; going on with it");
            self.adopt(None, |_| true).await;
        }
        Ok(())
    }

    async fn follow_own(&mut self, carril: &Carril, process: ProcessId) -> Result<End, Failure> {
        let waiting = carril.engine().wait(process);
        tokio::pin!(waiting);
        let mut glances = tokio::time::interval(GLANCE);
        glances.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let row = loop {
            tokio::select! {
                biased;
                row = &mut waiting => break row?,
                () = self.interrupts.next() => {
                    self.view.say("letting the running steps finish; another Ctrl-C stops them");
                    return Ok(End::Interrupted);
                }
                timeout = expired(&mut self.deadline) => {
                    self.timed_out = true;
                    // One that has settled in this instant needs no cancelling.
                    let _ = carril.engine().cancel(Selection::Process(process), &timed_out(timeout)).await;
                }
                event = next_event(&mut self.events) => {
                    if let Some((state, tally)) = moved(&event, process) {
                        self.tell_pause(process, state, &tally);
                    }
                    self.view.event(process, &event)?;
                }
                _ = glances.tick(), if self.view.glances() => self.view.glance(carril.history(), process, self.context.now()).await?,
            }
        };
        while let Some(Ok(event)) = self.events.as_mut().map(broadcast::Receiver::try_recv) {
            self.view.event(process, &Seen::Event(event))?;
        }
        Ok(End::Settled(Box::new(row)))
    }

    /// `None` when the other engine has ended and the process has not.
    async fn follow_other(&mut self, process: ProcessId) -> Result<Option<End>, Failure> {
        let Door::Mail(reader, _) = &self.door else {
            return Ok(None);
        };
        let reader = reader.clone();
        loop {
            let engine = reader.engine();
            let Some(row) = reader.process(process).await? else {
                return Err(Failure::internal(format!(
                    "process {process} is no longer in the store"
                )));
            };
            self.tell_pause(process, row.state, &row.tally);
            self.view.row(&row, self.context.now())?;
            if row.state.is_settled() {
                return Ok(Some(End::Settled(Box::new(row))));
            }
            if engine == EngineSeen::None {
                return Ok(None);
            }
            if self.view.glances() {
                self.view
                    .glance(reader.history(), process, self.context.now())
                    .await?;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.interrupts.next() => return Ok(Some(End::Interrupted)),
                timeout = expired(&mut self.deadline) => {
                    self.timed_out = true;
                    let wish = Wish::Cancel { selection: Selection::Process(process), reason: timed_out(timeout) };
                    reader.mailbox().post(&wish, self.context.now()).await?;
                }
            }
        }
    }

    /// Says that somebody paused the process that is followed, or let it go on: without that, a command that waits for it would look
    /// as if it hung.
    fn tell_pause(&mut self, process: ProcessId, state: ProcessState, tally: &Tally) {
        let is_paused = state == ProcessState::Paused;
        if is_paused == self.told_paused {
            return;
        }
        self.told_paused = is_paused;
        if is_paused {
            let resume = self.command("resume", process);
            self.view.say(&format!(
                "process {process} is paused with {}: what runs is finished and nothing more begins; `{resume}` goes on with the rest, Ctrl-C leaves it paused",
                done(tally)
            ));
        } else if !state.is_settled() {
            self.view
                .say(&format!("process {process} is resumed and goes on"));
        }
    }

    /// `carril NAME ID`, as it works here.
    fn command(&self, name: &str, process: ProcessId) -> String {
        let at = self.context.store_argument(&self.place.store);
        format!("carril {name} {process}{at}")
    }

    /// What somebody who pressed Ctrl-C is told: how far it is, and how to go on.
    ///
    /// # Errors
    /// As the store.
    pub(crate) async fn stopped(&self, again: &str) -> Result<Failure, Failure> {
        let history = self.door.history();
        let row = match self.followed {
            Some(process) => Some(found::known_process(history, process).await?),
            None => None,
        };
        let resume = row
            .as_ref()
            .filter(|row| row.state == ProcessState::Paused)
            .map(|row| format!("`{}` goes on with it", self.command("resume", row.id)));
        let (message, help) = match (&self.door, &row) {
            (Door::Engine(_), Some(row)) => {
                let paused = if resume.is_some() {
                    " and stays paused"
                } else {
                    ""
                };
                let message = format!(
                    "process {} has {}{paused}; what was done stays done, the rest was handed back",
                    row.id,
                    done(&row.tally)
                );
                (message, again.to_owned())
            }
            (Door::Engine(_), None) => {
                let message = "what was done stays done, the rest was handed back".to_owned();
                (message, again.to_owned())
            }
            (Door::Mail(_, holder), Some(row)) if resume.is_some() => {
                let message = format!("process {} stays paused in {holder}", row.id);
                (message, again.to_owned())
            }
            (Door::Mail(_, holder), _) => {
                let id = row
                    .as_ref()
                    .map_or_else(|| "ID".to_owned(), |row| row.id.to_string());
                let message = format!("the process goes on in {holder}");
                let at = self.context.store_argument(&self.place.store);
                let help = format!(
                    "`carril show {id}{at}` tells how it is, `carril cancel {id}{at}` stops it"
                );
                (message, help)
            }
        };
        Ok(interrupted(message).help(resume.unwrap_or(help)))
    }

    /// Ends this program's engine, if it is one: lanes finish the steps that run, the rest is handed back for the next.
    /// Another Ctrl-C stops the steps, one more stops waiting for them.
    ///
    /// # Errors
    /// When the last writes could not be made.
    pub(crate) async fn close(&mut self) -> Result<(), Failure> {
        self.view.finish();
        let Door::Engine(carril) = &self.door else {
            return Ok(());
        };
        end(carril, GRACE, &mut self.interrupts).await
    }
}

/// Ends an engine: running steps have `grace` to finish; a Ctrl-C stops them, one more stops waiting for them.
///
/// # Errors
/// When the last writes could not be made.
pub(crate) async fn end(
    carril: &Carril,
    grace: Duration,
    interrupts: &mut Interrupts,
) -> Result<(), Failure> {
    let ended = tokio::select! {
        ended = carril.shutdown(grace) => Some(ended),
        () = interrupts.next() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => tokio::select! {
            ended = tokio::time::timeout(GRACE_HARD, carril.shutdown(Duration::ZERO)) => ended.unwrap_or(Ok(())),
            () = interrupts.next() => Ok(()),
        },
    };
    ended.map_err(Failure::from)
}

/// What the view is told of the engine's events.
pub(crate) enum Seen {
    /// Something happened.
    Event(Event),
    /// This many events were lost, because they came faster than they could be shown.
    Lost(u64),
}

/// How the process that is followed stands, where an event says so.
fn moved(seen: &Seen, followed: ProcessId) -> Option<(ProcessState, Tally)> {
    match seen {
        Seen::Event(Event::Process {
            process,
            state,
            tally,
            ..
        }) if *process == followed => Some((*state, *tally)),
        _ => None,
    }
}

fn events_of(door: &Door, view: &View) -> Option<broadcast::Receiver<Event>> {
    match door {
        Door::Engine(carril) if view.wants_events() => Some(carril.engine().events()),
        _ => None,
    }
}

pub(crate) async fn next_event(events: &mut Option<broadcast::Receiver<Event>>) -> Seen {
    let Some(receiver) = events else {
        return std::future::pending().await;
    };
    match receiver.recv().await {
        Ok(event) => Seen::Event(event),
        Err(RecvError::Lagged(count)) => Seen::Lost(count),
        Err(RecvError::Closed) => {
            *events = None;
            std::future::pending().await
        }
    }
}

/// Resolves once, with the time that was given.
async fn expired(deadline: &mut Option<(Duration, Pin<Box<Sleep>>)>) -> Duration {
    match deadline {
        Some((timeout, sleep)) => {
            sleep.as_mut().await;
            let timeout = *timeout;
            *deadline = None;
            timeout
        }
        None => std::future::pending().await,
    }
}

/// `3 of 10 done`.
pub(crate) fn done(tally: &Tally) -> String {
    let (done, total) = (number::count(tally.settled()), number::count(tally.total));
    format!("{done} of {total} done")
}

fn timed_out(timeout: Duration) -> String {
    format!(
        "it was not done after {}, which --timeout allows",
        time::span(i64::try_from(timeout.as_micros()).unwrap_or(i64::MAX))
    )
}

/// The failure of a command that was interrupted.
pub(crate) fn interrupted(what: impl Into<String>) -> Failure {
    Failure::new(
        Exit::Cancelled,
        "CAR0807",
        format!("interrupted: {}", what.into()),
    )
}
