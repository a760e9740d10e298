//! Something to do: `carril run` launches a process, again and again under one key until it is told that it came to a good end.
//!
//! A launch is an engine of its own beside the workers, and is killed now and then; whoever repeats it must find what it launched.

use super::place::{Failure, Place};
use carril_testkit::network::Flow;
use std::process::{Child, Stdio};

/// Exit codes that say that it should be tried again: the store had no connection left, its own engine lost it, or it or the target was away.
const AGAIN: [i32; 3] = [6, 8, 10];

/// The launches of a round.
pub(crate) struct Load {
    round: u32,
    launches: u32,
    running: Option<(String, Child)>,
    /// Launches that came to a good end, by their keys.
    pub(crate) done: Vec<String>,
    /// What ended as it should not.
    pub(crate) wrong: Vec<String>,
}

impl Load {
    /// Launches the first.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(crate) fn begin(place: &mut Place, round: u32) -> Result<Self, Failure> {
        let mut load = Self {
            round,
            launches: 0,
            running: None,
            done: Vec::new(),
            wrong: Vec::new(),
        };
        load.keep_up(place)?;
        Ok(load)
    }

    /// The command that launches, if it runs.
    pub(crate) fn running(&mut self) -> Option<&mut Child> {
        self.running.as_mut().map(|(_, child)| child)
    }

    /// Sees that a launch is under way: the next when the last has ended well, the same again when it was interrupted.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(crate) fn keep_up(&mut self, place: &mut Place) -> Result<(), Failure> {
        if let Some(key) = self.look()? {
            return self.launch(place, &key);
        }
        if self.running.is_none() {
            self.launches += 1;
            self.launch(place, &format!("{}-{}", self.round, self.launches))?;
        }
        Ok(())
    }

    /// Waits for the launch that is under way, and launches none after it; whether there is none any more.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(crate) fn is_over(&mut self, place: &mut Place) -> Result<bool, Failure> {
        if let Some(key) = self.look()? {
            self.launch(place, &key)?;
        }
        Ok(self.running.is_none())
    }

    /// Looks how the launch ended, if it did; gives its key when it must be tried again.
    fn look(&mut self) -> Result<Option<String>, Failure> {
        let Some((key, child)) = &mut self.running else {
            return Ok(None);
        };
        let Some(status) = child.try_wait()? else {
            return Ok(None);
        };
        let key = key.clone();
        self.running = None;
        match status.code() {
            Some(0) => self.done.push(key),
            // Killed, or it could not reach what it needs.
            None => return Ok(Some(key)),
            Some(code) if AGAIN.contains(&code) => return Ok(Some(key)),
            Some(code) => self.wrong.push(format!("launch {key} ended with {code}")),
        }
        Ok(None)
    }

    fn launch(&mut self, place: &mut Place, key: &str) -> Result<(), Failure> {
        place.launching.line.flows(Flow::Passes);
        let port = place.launching.line.port();
        let target = format!("warehouse={}", super::place::url("${env:HOSTS}"));
        let round = format!("round={}", self.round);
        let words = [
            "run",
            "pipeline",
            "--verbose",
            "--idempotency-key",
            key,
            "--set",
            &round,
            "--target",
            &target,
        ];
        let mut command = place.command(&words, port);
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&place.launching.log)?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.running = Some((key.to_owned(), command.spawn()?));
        Ok(())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Some((_, mut child)) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
