//! Moves bytes to and from a running program until it has ended, inside the caller's future.
//!
//! Reading and writing go on at the same time, so neither a program that never reads its input nor one that prints
//! without end can block the other side or make us keep more than the bounds. Without JSON both outputs are one pipe, so
//! the log has the order in which things were printed.

use super::group::Group;
use super::output::Output;
use carril_model::contract::Cancellation;
use carril_model::printed::Log;
use std::future::{Future, pending};
use std::io::{self, PipeReader};
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// Read at once; commands are many, and a pipe holds only four times this.
const CHUNK_BYTES: usize = 16 * 1024;
/// How long what is still in the pipes is read once the group is dead. It is there already, so this only matters when a
/// process that left the group keeps a pipe open.
const DRAIN: Duration = Duration::from_millis(500);

/// The pipes of one program, and what has come through them.
pub(super) struct Transfer {
    stdin: Option<ChildStdin>,
    input: Vec<u8>,
    written: usize,
    /// Both outputs, or the standard output when that is JSON.
    first: Source<ChildStdout>,
    /// The standard error when the standard output is JSON.
    second: Source<ChildStderr>,
    log: Log,
    output: Option<Output>,
}

/// Whether the program ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nobody asked it to.
    No,
    /// It was asked and did so.
    Ended,
    /// It was asked, did not in time, and was killed.
    Killed,
}

/// Gives the command its pipes. With `json` the outputs are apart; else both are the answer's writing end.
pub(super) fn connect(command: &mut Command, json: bool) -> io::Result<Option<PipeReader>> {
    command.stdin(Stdio::piped());
    if json {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        return Ok(None);
    }
    let (reader, writer) = io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    Ok(Some(reader))
}

impl Transfer {
    /// Takes the pipes of a program that was started after [`connect`].
    pub(super) fn new(
        child: &mut Child,
        shared: Option<PipeReader>,
        json: bool,
        input: Vec<u8>,
    ) -> io::Result<Self> {
        let first = match shared {
            Some(reader) => Some(ChildStdout::from_std(OwnedFd::from(reader).into())?),
            None => child.stdout.take(),
        };
        Ok(Self {
            stdin: child.stdin.take(),
            input,
            written: 0,
            first: Source::new(first),
            second: Source::new(child.stderr.take()),
            log: Log::default(),
            output: json.then(Output::default),
        })
    }

    /// Goes on until the program has ended, by itself or because it was asked, and nobody of its group is left.
    ///
    /// # Cancel safety
    /// Not: bytes that were read may be lost. The group lives on until it is dropped.
    pub(super) async fn run(
        &mut self,
        group: &mut Group,
        cancel: &dyn Cancellation,
        grace: Duration,
    ) -> Asked {
        let asked = self.until_ended(group, cancel, grace).await;
        group.kill();
        self.stdin = None;
        self.drain().await;
        asked
    }

    /// The log and the standard output. Closes what is still open.
    pub(super) fn finish(self) -> (Option<String>, Option<Output>) {
        (self.log.finish(), self.output)
    }

    async fn until_ended(
        &mut self,
        group: &mut Group,
        cancel: &dyn Cancellation,
        grace: Duration,
    ) -> Asked {
        if self
            .meanwhile(either(group.ended(), cancel.cancelled()))
            .await
            == Either::First
            || group.has_ended()
        {
            return Asked::No;
        }
        group.terminate();
        if self
            .meanwhile(either(group.ended(), tokio::time::sleep(grace)))
            .await
            == Either::First
        {
            return Asked::Ended;
        }
        group.kill();
        self.meanwhile(group.ended()).await;
        Asked::Killed
    }

    async fn drain(&mut self) {
        let mut limit = pin!(tokio::time::sleep(DRAIN));
        while self.first.is_open() || self.second.is_open() {
            tokio::select! {
                biased;
                () = self.step() => {}
                () = &mut limit => {
                    self.log.was_left_open();
                    return;
                }
            }
        }
    }

    /// Moves bytes until `until` resolves.
    async fn meanwhile<T>(&mut self, until: impl Future<Output = T>) -> T {
        let mut until = pin!(until);
        loop {
            tokio::select! {
                biased;
                value = &mut until => return value,
                () = self.step() => {}
            }
        }
    }

    /// Moves some bytes; never resolves once everything is closed.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped: each part reads or writes at most once, and only when it is ready.
    async fn step(&mut self) {
        tokio::select! {
            read = self.first.read() => {
                let bytes = self.first.taken(read);
                self.log.push(bytes);
                if let Some(output) = &mut self.output {
                    output.push(bytes);
                }
            }
            read = self.second.read() => self.log.push(self.second.taken(read)),
            written = write(&mut self.stdin, &self.input[self.written..]) => {
                self.written += written;
                if written == 0 || self.written == self.input.len() {
                    self.stdin = None;
                }
            }
        }
    }
}

/// Writes once; 0 when the program does not want any more. Never resolves without a pipe.
async fn write(pipe: &mut Option<ChildStdin>, rest: &[u8]) -> usize {
    match pipe {
        // A program that does not read its input is in its right, so a broken pipe is no error.
        Some(pipe) => pipe.write(rest).await.unwrap_or(0),
        None => pending().await,
    }
}

/// One output of the program.
struct Source<R> {
    pipe: Option<R>,
    chunk: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Source<R> {
    fn new(pipe: Option<R>) -> Self {
        let chunk = if pipe.is_some() {
            vec![0; CHUNK_BYTES]
        } else {
            Vec::new()
        };
        Self { pipe, chunk }
    }

    const fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    /// Reads once; 0 at the end. Never resolves without a pipe.
    async fn read(&mut self) -> usize {
        match &mut self.pipe {
            // A pipe has no read errors that anything could be done about; it is over then.
            Some(pipe) => pipe.read(&mut self.chunk).await.unwrap_or(0),
            None => pending().await,
        }
    }

    /// What the last reading brought; the end closes the pipe.
    fn taken(&mut self, read: usize) -> &[u8] {
        if read == 0 {
            self.pipe = None;
        }
        &self.chunk[..read]
    }
}

/// Which of two came first; the first where both did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Either {
    First,
    Second,
}

async fn either(first: impl Future<Output = ()>, second: impl Future<Output = ()>) -> Either {
    tokio::select! {
        biased;
        () = first => Either::First,
        () = second => Either::Second,
    }
}
