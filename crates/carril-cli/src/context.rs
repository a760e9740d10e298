//! What every command is given: how to talk, where it was started, the time, and the store it means.
//!
//! `main` fills [`Surroundings`] from the environment; nothing below asks the environment itself.

use crate::arguments::{Global, Inputs, Pair};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use carril::model::contract::Clock as _;
use carril::model::time::Timestamp;
use carril::{Location, Lookup, Reader, Settings, SystemClock, Targets};
use jiff::tz::TimeZone;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// What the program was started with.
#[derive(Clone)]
pub(crate) struct Surroundings {
    /// The folder it was started in, absolute.
    pub(crate) folder: PathBuf,
    /// Who started it.
    pub(crate) user: String,
    /// The machine's name.
    pub(crate) host: String,
    /// The command line as people would recognise it, without values that might be secrets.
    pub(crate) command: String,
    /// Where programs are looked for.
    pub(crate) path: OsString,
    /// Values of the environment, for `${env:NAME}` in URLs.
    pub(crate) lookup: Lookup,
    /// Whether plain lines are wanted even on a terminal: on a build server, or between the lines of a log.
    pub(crate) plain_lines: bool,
}

/// What every command is given.
pub(crate) struct Context {
    pub(crate) output: Output,
    pub(crate) surroundings: Surroundings,
    store: Option<String>,
    clock: SystemClock,
    zone: OnceLock<TimeZone>,
}

/// A store that is open for reading.
pub(crate) type Reading = Reader;

impl Context {
    pub(crate) fn new(global: &Global, surroundings: Surroundings) -> Self {
        Self {
            output: Output::new(global, surroundings.plain_lines),
            surroundings,
            store: global.store.clone(),
            clock: SystemClock::new(),
            zone: OnceLock::new(),
        }
    }

    /// The store that the command line names, as it was written.
    pub(crate) fn given_store(&self) -> Option<&str> {
        self.store.as_deref()
    }

    /// Now.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The local time zone; UTC where the system has none.
    pub(crate) fn zone(&self) -> &TimeZone {
        self.zone.get_or_init(TimeZone::system)
    }

    /// A path as it was given, made absolute.
    pub(crate) fn absolute(&self, path: &Path) -> PathBuf {
        self.surroundings.folder.join(path)
    }

    /// Where store and targets are: what the command line says, then `carril.toml` beside the pipeline, then the one in the
    /// folder the program was started in.
    ///
    /// # Errors
    /// Exit 3 for a `carril.toml` that is wrong, exit 2 for arguments that are.
    pub(crate) fn settings(
        &self,
        pipeline: Option<&Path>,
        inputs: &Inputs,
    ) -> Result<Settings, Failure> {
        let here = self.surroundings.folder.as_path();
        let beside = pipeline.map(|folder| here.join(folder));
        let folders: Vec<&Path> = beside.as_deref().into_iter().chain([here]).collect();
        let mut settings = Settings::find(&folders).map_err(Failure::invalid)?;
        if let Some(store) = &self.store {
            settings.set_store(store, here)?;
        }
        for Pair { name, value } in &inputs.targets {
            settings.set_target(&format!("{name}={value}"), here)?;
        }
        Ok(settings)
    }

    /// Where the store is.
    pub(crate) fn store_of(&self, settings: &Settings) -> Location {
        settings.store_or_default(&self.surroundings.folder)
    }

    /// Opens the store that the command line or `carril.toml` names, for reading.
    ///
    /// # Errors
    /// Exit 10 when there is none, exit 9 when it is not ours.
    pub(crate) async fn reader(&self) -> Result<Reading, Failure> {
        let settings = self.settings(None, &Inputs::default())?;
        self.read(&self.store_of(&settings)).await
    }

    /// Opens a store for reading.
    ///
    /// # Errors
    /// As [`Context::reader`].
    pub(crate) async fn read(&self, store: &Location) -> Result<Reading, Failure> {
        let around = &self.surroundings;
        let read = carril::read(&store.url(), &around.folder, &around.lookup).await;
        read.map_err(|error| {
            let failure = Failure::from(error);
            let is_missing = store.file().is_some_and(|file| !file.exists());
            if failure.exit == Exit::Unreachable && is_missing {
                return failure.help("there is no store yet, or it is elsewhere: `carril run DIR` makes one, `--store URL` names one");
            }
            failure
        })
    }

    /// The same, or `None` where there is no store yet.
    ///
    /// # Errors
    /// As [`Context::reader`].
    pub(crate) async fn read_if_there(&self, store: &Location) -> Result<Option<Reading>, Failure> {
        if store.file().is_some_and(|file| !file.exists()) {
            return Ok(None);
        }
        match self.read(store).await {
            // A schema without a store, or with one that the next engine brings up to date.
            Err(failure) if failure.code == "CAR0635" => Ok(None),
            read => read.map(Some),
        }
    }

    /// Targets as the engine of this store opens them, for looking only.
    pub(crate) fn targets(&self, store: &Location) -> Targets {
        let (folder, lookup) = (&self.surroundings.folder, self.surroundings.lookup.clone());
        let clock = Arc::new(self.clock.clone());
        Targets::new(folder, store.lanes(folder), lookup, clock)
    }

    /// The `--store` argument that commands to copy need so that they mean the same store, with a space before it.
    pub(crate) fn store_argument(&self, store: &Location) -> String {
        let here = self.surroundings.folder.as_path();
        let found = Settings::find(&[here])
            .ok()
            .map(|settings| settings.store_or_default(here));
        if found.as_ref() == Some(store) {
            return String::new();
        }
        let inside = store.file().and_then(|file| file.strip_prefix(here).ok());
        let shown = inside.map_or_else(|| store.shown(), |file| file.display().to_string());
        format!(" --store {}", quoted(&shown))
    }
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:,@%+".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
