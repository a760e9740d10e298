//! Opening the store: at the right version, on a server that can hold it, or not at all.
//!
//! What is wrong is told with a code and with what would be right.

use super::fault::told;
use super::legacy;
use super::migrate;
use super::session::Session;
use crate::address::{Address, AddressError};
use crate::{driver, pooler};
use std::pin::Pin;
use std::time::Duration;
use tokio_postgres::Client;

/// The oldest server that is known to serve: the first that notices a client that is gone in the middle of a statement.
const SERVER_MIN: i64 = 140_000;

/// How a store is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOptions {
    /// The schema that the store lies in, made when it is missing; `carril` by default. Each schema is a store of its own.
    pub schema: String,
    /// How long an engine's lease lasts without a sign of life, in the database's time; 15 s by default. Shorter, and a stalled
    /// engine loses its work to others; longer, and a dead one's work waits longer. At least 1 s.
    pub lease: Duration,
    /// Whether engines tell each other at once, over a connection of its own that listens, what there is to look at; true by
    /// default. Without it (a pooler that passes no notifications on) they look each second.
    pub notify: bool,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            schema: "carril".to_owned(),
            lease: Duration::from_secs(15),
            notify: true,
        }
    }
}

impl StoreOptions {
    pub(crate) fn lease_millis(&self) -> i64 {
        i64::try_from(self.lease.as_millis())
            .unwrap_or(i64::MAX)
            .max(1_000)
    }
}

/// Why a store was not opened. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Its URL is not understood.
    #[error(
        "`{url}` names no store: {why}; write `postgres://user@host/database`, with `?sslmode=verify-full` where the network is not yours"
    )]
    Address {
        /// As written, without its password.
        url: String,
        /// What is wrong with it.
        why: AddressError,
    },
    /// The server cannot be reached, or refuses the user or the database.
    #[error(
        "the store at `{url}` cannot be reached: {why}; check that the server listens there, and that user, password and database are right"
    )]
    Unreachable {
        /// Where, without the password.
        url: String,
        /// What the server or the system says.
        why: String,
    },
    /// The server is too old.
    #[error("the server at `{url}` is PostgreSQL {found}; a store needs 14 or newer")]
    Server {
        /// Where, without the password.
        url: String,
        /// Its version.
        found: String,
    },
    /// The server takes no writes.
    #[error(
        "the server at `{url}` is a standby and takes no writes; name all servers of the cluster and add `target_session_attrs=read-write`"
    )]
    Standby {
        /// Where, without the password.
        url: String,
    },
    /// A pooler stands before the server and gives out transactions.
    #[error(
        "the pooler at `{url}` gives out transactions, and a store needs sessions: {instead}",
        instead = pooler::INSTEAD
    )]
    Pooled {
        /// Where, without the password.
        url: String,
    },
    /// A newer program made it.
    #[error(
        "the store in schema `{schema}` at `{url}` has version {found}, this program knows versions up to {known}; use a newer carril, or another schema"
    )]
    Newer {
        /// Where, without the password.
        url: String,
        /// The schema.
        schema: String,
        /// Its version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// There is none, or an older program made it, and it is opened for reading only.
    #[error(
        "the store in schema `{schema}` at `{url}` has version {found}, this program reads version {known}; `carril run` brings it up to date"
    )]
    Older {
        /// Where, without the password.
        url: String,
        /// The schema.
        schema: String,
        /// Its version; 0 where there is none.
        found: i64,
        /// What this program reads.
        known: i64,
    },
    /// It is older, and cannot be brought up to date now.
    #[error(
        "the store in schema `{schema}` at `{url}` cannot be brought to version {to}: somebody holds a table of it; end what has read it for long (a dump, an open transaction), and try again"
    )]
    InUse {
        /// Where, without the password.
        url: String,
        /// The schema.
        schema: String,
        /// The version.
        to: i64,
    },
    /// The user may not make the schema or its tables.
    #[error(
        "the store at `{url}` cannot be made: {why}; let the user make schemas in this database, or give it an empty schema of its own"
    )]
    Forbidden {
        /// Where, without the password.
        url: String,
        /// What the server says.
        why: String,
    },
}

impl OpenError {
    /// `CARnnnn`; its page is `docs/errors/CARnnnn.md`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "CAR0630",
            Self::Unreachable { .. } => "CAR0631",
            Self::Server { .. } => "CAR0632",
            Self::Standby { .. } => "CAR0633",
            Self::Newer { .. } => "CAR0634",
            Self::Older { .. } => "CAR0635",
            Self::Forbidden { .. } => "CAR0636",
            Self::Pooled { .. } => "CAR0637",
            Self::InUse { .. } => "CAR0638",
        }
    }

    /// A database error met while opening the store at `url`.
    pub(crate) fn of(url: &str, error: &tokio_postgres::Error) -> Self {
        let (url, why) = (url.to_owned(), told(error));
        match error.code().map(tokio_postgres::error::SqlState::code) {
            Some("42501") => Self::Forbidden { url, why },
            Some("25006") => Self::Standby { url },
            _ => Self::Unreachable { url, why },
        }
    }
}

/// A URL, read.
pub(crate) fn address(url: &str, name: &str) -> Result<Address, OpenError> {
    let address = Address::parse(url).map_err(|why| OpenError::Address {
        url: crate::address::without_password(url),
        why,
    })?;
    Ok(address.named(name))
}

/// How long a server may take for an answer that costs it nothing. One that falls silent just then would be waited for by a program that
/// has nobody yet who notices.
const ANSWER: Duration = Duration::from_secs(10);

/// What the server answers, if it does so in time.
pub(crate) async fn answered<T>(
    shown: &str,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, OpenError> {
    match tokio::time::timeout(ANSWER, answer).await {
        Ok(answer) => answer.map_err(|error| OpenError::of(shown, &error)),
        Err(_) => Err(OpenError::Unreachable {
            url: shown.to_owned(),
            why: format!("it did not answer within {} s", ANSWER.as_secs()),
        }),
    }
}

/// Looks at the server, and brings the store up to date.
pub(crate) async fn for_engine(address: &Address, options: &StoreOptions) -> Result<(), OpenError> {
    let shown = address.shown();
    let wrong = |error: tokio_postgres::Error| OpenError::of(shown, &error);
    let (mut client, _) = driver::connect(address).await.map_err(wrong)?;
    let pooled = pooler::gives_out_transactions(address, &client);
    if answered(shown, pooled).await? {
        return Err(OpenError::Pooled {
            url: shown.to_owned(),
        });
    }
    let server = client.query_one(
        "SELECT current_setting('server_version_num')::bigint, current_setting('server_version'), pg_is_in_recovery()",
        &[],
    );
    let server = answered(shown, server).await?;
    if server.get::<_, i64>(0) < SERVER_MIN {
        return Err(OpenError::Server {
            url: shown.to_owned(),
            found: server.get(1),
        });
    }
    if server.get(2) {
        return Err(OpenError::Standby {
            url: shown.to_owned(),
        });
    }
    migrate::up(&mut client, &options.schema, shown).await
}

/// Looks whether the store is one that can be read.
pub(crate) async fn for_reading(address: &Address, schema: &str) -> Result<(), OpenError> {
    let shown = address.shown();
    let wrong = |error: tokio_postgres::Error| OpenError::of(shown, &error);
    let (client, _) = driver::connect(address).await.map_err(wrong)?;
    let found = answered(shown, migrate::version(&client, schema)).await?;
    let (url, schema, known) = (shown.to_owned(), schema.to_owned(), migrate::NEWEST);
    if found > known {
        return Err(OpenError::Newer {
            url,
            schema,
            found,
            known,
        });
    }
    if found < known {
        return Err(OpenError::Older {
            url,
            schema,
            found,
            known,
        });
    }
    Ok(())
}

/// Takes the store back to an older version, for an older program; 0 leaves nothing of it.
///
/// # Errors
/// As [`OpenError`].
pub fn downgrade(url: &str, options: &StoreOptions, to: u32) -> Result<(), OpenError> {
    at(
        url,
        "carril downgrade",
        options,
        move |client, schema, address| {
            Box::pin(async move {
                let done = async {
                    legacy::remove_all(client, schema).await?;
                    migrate::down(client, schema, i64::from(to)).await
                };
                done.await
                    .map_err(|error| OpenError::of(address.shown(), &error))
            })
        },
    )
}

/// Takes the store one version beyond what this program knows, by these statements, as a newer program would. For tests of what
/// becomes of engines whose store is changed under them.
///
/// # Errors
/// As [`OpenError`].
#[doc(hidden)]
pub fn upgrade(
    url: &str,
    options: &StoreOptions,
    statements: &'static str,
) -> Result<(), OpenError> {
    at(
        url,
        "carril upgrade",
        options,
        move |client, schema, address| {
            Box::pin(async move {
                let to = migrate::NEWEST + 1;
                migrate::patient_step(client, (schema, address.shown()), statements, to).await
            })
        },
    )
}

/// What is done to a schema over a connection of its own.
pub(super) type Change<'a, E> = Pin<Box<dyn Future<Output = Result<(), E>> + Send + 'a>>;

/// Does something to a schema on a thread of its own, and waits for that.
pub(super) fn at<E: From<OpenError> + Send + 'static>(
    url: &str,
    name: &str,
    options: &StoreOptions,
    work: impl for<'a> FnOnce(&'a mut Client, &'a str, &'a Address) -> Change<'a, E> + Send + 'static,
) -> Result<(), E> {
    let address = address(url, name)?;
    let shown = address.shown().to_owned();
    let session = Session::new(address.clone(), &options.schema, 0, false);
    let schema = options.schema.clone();
    let worker = driver::Worker::start("carril-schema", session, 1).map_err(|error| {
        OpenError::Unreachable {
            url: shown.clone(),
            why: error.to_string(),
        }
    })?;
    let done = worker.wait(move |_| {
        Box::pin(async move {
            let connected = driver::connect(&address).await;
            let (mut client, _) =
                connected.map_err(|error| OpenError::of(address.shown(), &error))?;
            work(&mut client, &schema, &address).await
        })
    });
    done.map_err(|gone| OpenError::Unreachable {
        url: shown,
        why: gone.to_string(),
    })?
}
