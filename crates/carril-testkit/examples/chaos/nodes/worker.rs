//! One `carril worker` behind a line of its own: started, killed, stopped, and looked at.

use super::place::Failure;
use carril_testkit::network::Line;
use carril_testkit::postgres::own::signal;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// Where Debian's library that shifts a program's clock lies, below the folder of the machine's libraries.
const CLOCKS: &str = "/usr/lib/*/faketime/libfaketimeMT.so.1";

/// A worker, and the network between it and the server.
pub(crate) struct Worker {
    /// Its network.
    pub(crate) line: Line,
    /// What it says.
    pub(crate) log: PathBuf,
    /// How far its clock is off, for the library that shifts it.
    pub(crate) clock: PathBuf,
    child: Option<Child>,
    /// How long its log was when it was started.
    said_before: u64,
    /// Whether it is stopped just now.
    pub(crate) is_stopped: bool,
}

impl Worker {
    /// One that is not started yet.
    pub(crate) fn new(folder: &Path, number: usize, server: u16) -> Result<Self, Failure> {
        let clock = folder.join(format!("clock-{number}"));
        std::fs::write(&clock, "+0\n")?;
        Ok(Self {
            line: Line::to(server),
            log: folder.join(format!("worker-{number}.log")),
            clock,
            child: None,
            said_before: 0,
            is_stopped: false,
        })
    }

    /// Starts it; `command` is the program with its arguments.
    pub(crate) fn start(&mut self, mut command: Command) -> Result<(), Failure> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)?;
        self.said_before = log.metadata()?.len();
        if let Some(library) = clocks() {
            command.env("LD_PRELOAD", library);
            command.env("FAKETIME_TIMESTAMP_FILE", &self.clock);
            command.env("FAKETIME_CACHE_DURATION", "1");
            command.env("FAKETIME_DISABLE_SHM", "1");
            // What is awaited is awaited by the machine's own time.
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.child = Some(command.spawn()?);
        self.is_stopped = false;
        Ok(())
    }

    /// Its process, if it was started and not seen to end.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// How it ended, if it did; told once.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>, Failure> {
        let Some(child) = &mut self.child else {
            return Ok(None);
        };
        let ended = child.try_wait()?;
        if ended.is_some() {
            self.child = None;
        }
        Ok(ended)
    }

    /// Sends it a signal, by its name without `SIG`.
    pub(crate) fn signal(&self, name: &str) {
        if let Some(id) = self.id() {
            signal(name, &[id]);
        }
    }

    /// Kills it, as the machine's death does.
    pub(crate) fn kill(&mut self) -> Result<(), Failure> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Whether it was at work since it was started last.
    pub(crate) fn was_at_work(&self) -> bool {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let since = usize::try_from(self.said_before).unwrap_or(usize::MAX);
        let since = String::from_utf8_lossy(log.get(since..).unwrap_or_default());
        since.contains("at work on")
    }

    /// The last line that it said.
    pub(crate) fn last_word(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().last().unwrap_or_default().to_owned()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // A run that failed leaves nothing running.
        let _ = self.kill();
    }
}

/// The library that shifts clocks, where the machine has it.
pub(crate) fn clocks() -> Option<PathBuf> {
    let (before, after) = CLOCKS.split_once('*')?;
    let folders = std::fs::read_dir(before).ok()?.flatten();
    let files = folders.map(|folder| {
        let name = folder.path().display().to_string();
        PathBuf::from(format!("{name}{after}"))
    });
    files.into_iter().find(|file| file.exists())
}
