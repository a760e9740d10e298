//! The `carril` program as the driver sees it: started with arguments, killed or waited for, and what it said on stdout.
//!
//! Nothing of Carril is linked in here. What a killed program had already said is kept: it said it because it was durable.

use super::kill::Kill;
use serde_json::Value;
use std::fs::OpenOptions;
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long any command may take: one that takes longer hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Killed, as planned.
    Killed,
    /// By itself, with this exit code.
    Exited(i32),
    /// By a signal that nobody planned.
    Signalled(i32),
    /// Not within [`LIMIT`]; it was killed then.
    Hung,
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Said {
    /// How.
    pub(crate) ended: Ended,
    /// Every whole line of its stdout that is JSON.
    pub(crate) lines: Vec<Value>,
    /// How long it took.
    pub(crate) took: Duration,
}

/// How commands are started.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// The program's file.
    pub(crate) file: PathBuf,
    /// The folder it runs in.
    pub(crate) folder: PathBuf,
}

impl Program {
    /// The file in which failpoints note that they were reached.
    pub(crate) fn kill_log(&self) -> PathBuf {
        self.folder.join("reached.log")
    }

    /// Where stderr goes, for people.
    pub(crate) fn talk(&self) -> PathBuf {
        self.folder.join("stderr.log")
    }

    /// Starts a command, kills it as said, waits for its end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn run(&self, arguments: &[String], kill: &Kill) -> io::Result<Said> {
        let began = Instant::now();
        let mut child = self.start(arguments, kill)?;
        let output = read(child.stdout.take().expect("stdout is piped"));
        let (lines, killed) = self.follow(&mut child, &output, kill)?;
        let status = child.wait()?;
        Ok(Said {
            ended: ended(status, kill, killed),
            lines,
            took: began.elapsed(),
        })
    }

    fn start(&self, arguments: &[String], kill: &Kill) -> io::Result<Child> {
        let talk = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.talk())?;
        let mut command = Command::new(&self.file);
        command.args(arguments).current_dir(&self.folder);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(talk);
        command
            .env_remove("CARRIL_KILL_AT")
            .env("CARRIL_KILL_LOG", self.kill_log());
        if let Kill::At(name, hit) = kill {
            command.env("CARRIL_KILL_AT", format!("{name}:{hit}"));
        }
        command.spawn()
    }

    /// Waits for the end of its output, at most as long as it may live.
    fn follow(
        &self,
        child: &mut Child,
        output: &Receiver<Vec<Value>>,
        kill: &Kill,
    ) -> io::Result<(Vec<Value>, bool)> {
        let limit = match kill {
            Kill::After(time) => *time,
            Kill::Never | Kill::At(..) => LIMIT,
        };
        match output.recv_timeout(limit) {
            Ok(lines) => Ok((lines, false)),
            Err(RecvTimeoutError::Disconnected) => Ok((Vec::new(), false)),
            Err(RecvTimeoutError::Timeout) => {
                child.kill()?;
                Ok((output.recv_timeout(LIMIT).unwrap_or_default(), true))
            }
        }
    }
}

fn ended(status: ExitStatus, kill: &Kill, killed: bool) -> Ended {
    match (status.code(), status.signal()) {
        // It may have ended in the very instant in which it was to be killed.
        (Some(code), _) => Ended::Exited(code),
        (None, Some(9)) if killed && *kill == Kill::Never => Ended::Hung,
        (None, Some(9)) if killed && matches!(kill, Kill::At(..)) => Ended::Hung,
        (None, Some(9)) if *kill != Kill::Never => Ended::Killed,
        (None, signal) => Ended::Signalled(signal.unwrap_or(0)),
    }
}

/// Reads lines until the end of the output; a line that was cut off is no JSON and left out.
fn read(stdout: ChildStdout) -> Receiver<Vec<Value>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let values = lines
            .filter_map(|line| serde_json::from_str(&line).ok())
            .collect();
        // The receiver is only gone when the driver gave up.
        let _ = sender.send(values);
    });
    receiver
}

/// The failpoints that a log names, in order.
///
/// # Errors
/// When it cannot be read; one that is not there has no names.
pub(crate) fn reached(log: &Path) -> io::Result<Vec<String>> {
    match std::fs::read_to_string(log) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
