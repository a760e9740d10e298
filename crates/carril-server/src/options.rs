//! How a server behaves, and the bounds that nobody sets.

use crate::page::Page;
use carril::{Lookup, ProcesosSettings, ServerSettings, no_references};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Most bytes of a request's body.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How long a request's head may take, and how long a connection may be idle.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request's body may take.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may leave what it is sent unread.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long what is under way may take when the server ends.
pub(crate) const END_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections at once; more wait in the kernel's queue.
pub(crate) const CONNECTIONS_MAX: usize = 1_024;
/// Connections at once from one address that is not this machine.
pub(crate) const CONNECTIONS_MAX_OF_ONE: usize = 128;
/// Streams of events at once.
pub(crate) const STREAMS_MAX: usize = 256;
/// Events that are kept for whoever comes back or reads slowly.
pub(crate) const EVENTS_KEPT: usize = 8_192;
/// How long a wish may wait for another program's engine.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Who comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Authentication {
    /// On an address of this machine only, everybody as long as no token was ever made; else who has a token.
    #[default]
    Auto,
    /// Who has a token.
    Tokens,
}

/// How a server behaves.
#[derive(Clone)]
pub struct Options {
    /// Where it listens, `127.0.0.1:7411` by default, as in `[server]` of a `carril.toml`; port 0 is any that is free.
    pub listen: SocketAddr,
    /// The folder of the pipelines that can be launched: it is one, or has them in folders of its own.
    pub folder: PathBuf,
    /// Where `${env:NAME}` in URLs of targets is looked up.
    pub lookup: Lookup,
    /// Names besides `localhost` and addresses under which it may be called (`Host`).
    pub hosts: Vec<String>,
    /// Origins of other pages that may call it, as in `https://console.example.com`; none by default.
    pub origins: Vec<String>,
    /// Who comes in.
    pub authentication: Authentication,
    /// Requests a second of one caller, 50 by default; four times as many at once.
    pub requests_per_second: u32,
    /// Files that are served beside the API.
    pub page: Option<Page>,
    /// What the routes of the old fund system launch; by default there are none.
    pub procesos: ProcesosSettings,
}

impl Options {
    /// The defaults, for the pipelines of a folder.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            listen: ServerSettings::default().listen,
            folder: folder.into(),
            lookup: no_references(),
            hosts: Vec::new(),
            origins: Vec::new(),
            authentication: Authentication::Auto,
            requests_per_second: 50,
            page: None,
            procesos: ProcesosSettings::default(),
        }
    }
}
