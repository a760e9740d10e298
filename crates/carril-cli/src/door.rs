//! The way to a store's engine: being it, or writing to the one that is.
//!
//! A store has one engine at a time. Whoever opens a free store becomes its engine for as long as the command runs; whoever
//! finds one there leaves wishes in the store's mailbox, follows them in its history, and becomes the engine when the other ends.

use crate::context::{Context, Reading};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::interrupted;
use crate::interrupts::Interrupts;
use carril::model::contract::{Answer, History, Wish};
use carril::model::id::ProcessId;
use carril::{
    Carril, EngineSeen, EngineSettings, Holder, HttpSettings, Location, OpenError, OpenOptions,
    Retention,
};
use std::path::PathBuf;
use std::time::Duration;

/// How often the mailbox and the history are looked at, while another engine works.
pub(crate) const LOOK: Duration = Duration::from_millis(100);
/// How often a store is tried again that is held and cannot be read yet: its engine is just making it. 5 s in all.
const TRIES: u32 = 50;

/// Looks at the mailbox before somebody who waits is told for whom: 3 s.
const LOOKS_BEFORE_A_WORD: u32 = 30;

/// Where a store is, and where its engine runs the commands of processes that kept no folder.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The store.
    pub(crate) store: Location,
    /// What command steps run in, unless their process kept a folder of its own.
    pub(crate) folder: PathBuf,
    /// How long what has settled is kept.
    pub(crate) retention: Retention,
    /// What the engine does with all processes together, and how it shares the store.
    pub(crate) engine: EngineSettings,
    /// What HTTP steps may do.
    pub(crate) http: HttpSettings,
    /// Whether it stays: then it takes up what other engines of the store launch.
    pub(crate) stays: bool,
}

/// The way to the engine.
pub(crate) enum Door {
    /// This program is it.
    Engine(Carril),
    /// Another one is.
    Mail(Reading, Holder),
}

impl Door {
    /// What people ask about processes.
    pub(crate) fn history(&self) -> &dyn History {
        match self {
            Self::Engine(carril) => carril.history(),
            Self::Mail(reader, _) => reader.history(),
        }
    }
}

/// Becomes the store's engine, or finds the one that is. The store is made if it is not there.
///
/// # Errors
/// Exit 9 and 10 for stores that cannot be used.
pub(crate) async fn open(context: &Context, place: &Place) -> Result<Door, Failure> {
    let around = &context.surroundings;
    let mut tries = 0;
    loop {
        let options = OpenOptions::new(place.store.url())
            .folder(&around.folder)
            .node(&around.host, &around.command)
            .lookup(around.lookup.clone())
            .commands(&place.folder, &around.path)
            .retention(place.retention)
            .lanes(place.engine.lanes)
            .lease(place.engine.lease)
            .notify(place.engine.notify)
            .takes_up(place.stays)
            .http(place.http.clone());
        let holder = match carril::open(options).await {
            Ok(carril) => return Ok(Door::Engine(carril)),
            Err(OpenError::Held { holder }) => holder,
            Err(other) => return Err(other.into()),
        };
        match context.read(&place.store).await {
            Ok(reader) => return Ok(Door::Mail(reader, holder)),
            Err(failure) if tries == TRIES => return Err(failure),
            Err(_) => {
                tries += 1;
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

/// What became of a wish.
pub(crate) enum Reply {
    /// Done, or under way in these processes.
    Accepted(Vec<ProcessId>),
    /// The engine ended before it answered, and the wish was taken back.
    NoEngine,
}

/// Leaves a wish and waits for its answer. Ctrl-C takes it back.
///
/// # Errors
/// What the engine refused, with its code; exit 8 when it was interrupted.
pub(crate) async fn ask(
    context: &Context,
    (reader, holder): (&Reading, &Holder),
    wish: &Wish,
    interrupts: &mut Interrupts,
) -> Result<Reply, Failure> {
    let mailbox = reader.mailbox();
    let request = mailbox.post(wish, context.now()).await?;
    let mut looks = 0;
    loop {
        if let Some(answer) = mailbox.answer_of(request).await? {
            return read(answer);
        }
        // An engine that has ended answers no more; one that comes next may, unless the wish is taken back first.
        if reader.engine() == EngineSeen::None && mailbox.withdraw(request).await? {
            return Ok(Reply::NoEngine);
        }
        looks += 1;
        if looks == LOOKS_BEFORE_A_WORD {
            context
                .output
                .talk(&format!("waiting for {holder} to answer"));
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = interrupts.next() => {
                let what = if mailbox.withdraw(request).await? {
                    "the other engine had not answered, and nothing was done".to_owned()
                } else {
                    format!("it goes on in {holder}, which had agreed already")
                };
                return Err(interrupted(what));
            }
        }
    }
}

fn read(answer: Answer) -> Result<Reply, Failure> {
    match answer {
        Answer::Accepted { processes, .. } => Ok(Reply::Accepted(processes)),
        Answer::Refused { code, message } => {
            Err(Failure::new(Exit::of_code(&code), &code, message))
        }
    }
}
