//! Where a PostgreSQL database is: the URL as people write it, and what Carril adds to every connection.
//!
//! Only text is read here, and the file with the certificates that a URL names; nothing is connected. A password is in the
//! configuration and nowhere else: [`Address::shown`] is what may be printed and stored.

mod hosts;

use crate::tls::{self, TlsError};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long connecting may take, unless the URL says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that is silent for so long is asked whether it is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
/// How often it is asked again.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// How often it is asked before it is taken for dead.
const KEEPALIVE_RETRIES: u32 = 3;
/// How long sent bytes may stay without an answer of the other machine: without it, a link that goes down during a query is
/// noticed after a quarter of an hour.
const USER_TIMEOUT: Duration = Duration::from_secs(20);

/// Why a URL does not say where a database is. The password is in none of the texts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It does not begin as a URL of PostgreSQL does.
    #[error("it does not begin with `postgres://`")]
    Scheme,
    /// Its `sslmode` is none that there is.
    #[error("there is no sslmode `{0}`; it is disable, prefer, require, verify-ca or verify-full")]
    SslMode(String),
    /// Its `connections` is no number of connections.
    #[error("`connections={0}` is no number from 1 to {CONNECTIONS_MAX}")]
    Connections(String),
    /// The certificates that it names cannot be used.
    #[error("its certificates cannot be used: {0}")]
    Certificates(#[from] TlsError),
    /// The client does not understand the rest.
    #[error("{0}")]
    Url(String),
}

/// The most connections that a URL may ask for.
pub const CONNECTIONS_MAX: usize = 1_000;

/// How much is asked of an encrypted connection; as in PostgreSQL's own programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checked {
    /// The connection is encrypted, and nobody asks whose certificate it is (`prefer`, `require`).
    Nothing,
    /// The certificate is of a known authority (`verify-ca`).
    Authority,
    /// It is, and is for this host (`verify-full`).
    Host,
}

/// A database: where, as whom, and how the connection is kept safe.
#[derive(Clone)]
pub struct Address {
    pub(crate) config: Config,
    pub(crate) tls: MakeRustlsConnect,
    /// How many connections there may be at once, where the URL says it.
    pub(crate) connections: Option<usize>,
    shown: String,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("Address").field(&self.shown).finish()
    }
}

impl Address {
    /// Reads a URL: `postgres://user:password@host:port/database?sslmode=verify-full`. Several hosts are tried in turn. What
    /// `sslmode` means is what it means to PostgreSQL's own programs: `disable`, `prefer` (the default: encrypted where the
    /// server can), `require` (encrypted), `verify-ca` and `verify-full` (its certificate is checked, too, against the
    /// machine's authorities or those in the file `sslrootcert`). `connections=50` is how many connections a target there has at
    /// most, 1 to 1,000; a store has as many as it needs.
    ///
    /// # Errors
    /// As [`AddressError`].
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(AddressError::Scheme);
        }
        let (rest, ours) = Ours::taken_from(url)?;
        let mut config =
            Config::from_str(&rest).map_err(|error| AddressError::Url(told(&error)))?;
        config.ssl_mode(ours.mode);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        config
            .keepalives(true)
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_INTERVAL)
            .keepalives_retries(KEEPALIVE_RETRIES)
            .tcp_user_timeout(USER_TIMEOUT);
        Ok(Self {
            config,
            tls: tls::connector(ours.checked, ours.authorities.as_deref())?,
            connections: ours.connections,
            shown: without_password(url),
        })
    }

    /// The same, under a name that the server's views and logs show; cut to the 63 bytes that PostgreSQL keeps.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        let mut end = name.len().min(63);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        self.config.application_name(&name[..end]);
        self
    }

    /// Each of its hosts by itself, in the order in which they are tried; all together where the client is to choose among them.
    pub(crate) fn each_host(&self) -> Vec<Config> {
        hosts::each(&self.config)
    }

    /// The URL without its password: what may be printed and stored.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

/// What is read of a URL here: encryption, and how many connections.
struct Ours {
    mode: SslMode,
    checked: Checked,
    authorities: Option<PathBuf>,
    connections: Option<usize>,
}

impl Ours {
    /// Takes `sslmode`, `sslrootcert` and `connections` out of a URL, of which the client knows only a part.
    fn taken_from(url: &str) -> Result<(String, Self), AddressError> {
        let mut ours = Self {
            mode: SslMode::Prefer,
            checked: Checked::Nothing,
            authorities: None,
            connections: None,
        };
        let Some((before, query)) = url.split_once('?') else {
            return Ok((url.to_owned(), ours));
        };
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", mode)) => (ours.mode, ours.checked) = mode_of(mode)?,
                Some(("sslrootcert", path)) => {
                    ours.authorities = Some(PathBuf::from(decoded(path)));
                }
                Some(("connections", number)) => {
                    ours.connections = Some(connections_of(number)?);
                }
                _ => rest.push(pair),
            }
        }
        let rest = if rest.is_empty() {
            before.to_owned()
        } else {
            format!("{before}?{}", rest.join("&"))
        };
        Ok((rest, ours))
    }
}

fn connections_of(text: &str) -> Result<usize, AddressError> {
    let number = text.parse().ok();
    number
        .filter(|number| (1..=CONNECTIONS_MAX).contains(number))
        .ok_or_else(|| AddressError::Connections(text.to_owned()))
}

fn mode_of(text: &str) -> Result<(SslMode, Checked), AddressError> {
    Ok(match text {
        "disable" => (SslMode::Disable, Checked::Nothing),
        "prefer" | "allow" => (SslMode::Prefer, Checked::Nothing),
        "require" => (SslMode::Require, Checked::Nothing),
        "verify-ca" => (SslMode::Require, Checked::Authority),
        "verify-full" => (SslMode::Require, Checked::Host),
        other => return Err(AddressError::SslMode(other.to_owned())),
    })
}

/// A path in a URL, its `%2F` and the like read.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match hex {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The client's words with their cause, which it keeps apart.
fn told(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// The same URL with neither the password before its host nor one among its parameters: what may be printed of a URL, even of one that
/// is none.
#[must_use]
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (user, rest) = match credentials(rest) {
        // A password should have its special characters encoded. Where it has not, only the last `@` surely comes after it.
        Some((user, Some(_))) => (
            Some(user),
            rest.rsplit_once('@').map_or("", |(_, rest)| rest),
        ),
        Some((user, None)) => (Some(user), &rest[user.len() + 1..]),
        None => (None, rest),
    };
    let mut parts = rest.split(['?', '&']);
    let place = parts.next().unwrap_or_default();
    let user = user.map_or_else(String::new, |user| format!("{user}@"));
    let kept: Vec<&str> = parts
        .filter(|pair| !pair.is_empty() && !pair.starts_with(PASSWORD))
        .collect();
    let joint = if kept.is_empty() { "" } else { "?" };
    format!("{scheme}://{user}{place}{joint}{}", kept.join("&"))
}

/// Every password that a URL has, as it is written there: before its host and among its parameters.
pub fn passwords(url: &str) -> impl Iterator<Item = &str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let credentials = credentials(rest);
    let after = match credentials {
        Some(_) => rest.split_once('@').map_or(rest, |(_, after)| after),
        None => rest,
    };
    let before_host = credentials.and_then(|(_, password)| password);
    let parameters = after
        .split(['?', '&'])
        .skip(1)
        .filter_map(|pair| pair.strip_prefix(PASSWORD));
    before_host
        .into_iter()
        .chain(parameters)
        .filter(|password| !password.is_empty())
}

const PASSWORD: &str = "password=";

/// Who connects, and the password beside the name, as the client reads them: all before the first `@`.
fn credentials(rest: &str) -> Option<(&str, Option<&str>)> {
    let (who, _) = rest.split_once('@')?;
    Some(match who.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (who, None),
    })
}

#[cfg(test)]
mod tests;
