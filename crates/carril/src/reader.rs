//! A store as whoever only reads it sees it: beside another program's engine, or without one.

use crate::location::Location;
use crate::open::{Holder, Lookup, OpenError};
use crate::targets::Targets;
use carril_engine::clock::SystemClock;
use carril_engine::task;
use carril_model::contract::{
    AccessBook, Fault, History, Mailbox, NodeRow, ProcessFilter, ProcessRow,
};
use carril_model::id::ProcessId;
use carril_postgres::store::PostgresHistory;
use carril_sqlite::store::{self, SqliteHistory};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Reads a store and leaves wishes for its engine. Clones share their connections.
#[derive(Clone)]
pub struct Reader {
    history: Arc<dyn History>,
    mailbox: Arc<dyn Mailbox>,
    access: Arc<dyn AccessBook>,
    place: Location,
}

impl fmt::Debug for Reader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Reader")
            .field("store", &self.place.shown())
            .finish_non_exhaustive()
    }
}

/// Whether a store has an engine at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineSeen {
    /// This one.
    Running(Holder),
    /// None, as far as this host can tell.
    None,
}

/// Opens a store for reading; never makes one, never takes its lock. Relative paths are relative to `folder`; references in its
/// URL stand for what `lookup` finds.
///
/// # Errors
/// As [`OpenError`]; never [`OpenError::Held`].
pub async fn read(store: &str, folder: &Path, lookup: &Lookup) -> Result<Reader, OpenError> {
    let opened = match Location::of_store(store, folder)? {
        Location::File(path) => task::blocking(move || Reader::open(&path)).await,
        Location::Postgres(url) => {
            let clock = Arc::new(SystemClock::new());
            let secrets = Targets::new(folder, folder, Arc::clone(lookup), clock);
            let resolved = secrets.resolve(&url).map_err(OpenError::Secret)?;
            task::blocking(move || Reader::open_postgres(resolved.value(), url)).await
        }
    };
    opened.unwrap_or(Err(OpenError::Panicked))
}

impl Reader {
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let history = Arc::new(SqliteHistory::open(path)?);
        Ok(Self {
            history: Arc::clone(&history) as Arc<dyn History>,
            mailbox: Arc::clone(&history) as Arc<dyn Mailbox>,
            access: history,
            place: Location::File(path.to_owned()),
        })
    }

    /// Reads a store on PostgreSQL, whose URL has its references resolved; `written` has them still.
    pub(crate) fn open_postgres(url: &str, written: String) -> Result<Self, OpenError> {
        let history = Arc::new(PostgresHistory::open(url, &Default::default())?);
        Ok(Self {
            history: Arc::clone(&history) as Arc<dyn History>,
            mailbox: Arc::clone(&history) as Arc<dyn Mailbox>,
            access: history,
            place: Location::Postgres(written),
        })
    }

    /// What people ask.
    #[must_use]
    pub fn history(&self) -> &dyn History {
        &*self.history
    }

    /// Where wishes for the engine are left.
    #[must_use]
    pub fn mailbox(&self) -> &dyn Mailbox {
        &*self.mailbox
    }

    /// Where tokens and the log of what servers did are kept.
    #[must_use]
    pub fn access(&self) -> &dyn AccessBook {
        &*self.access
    }

    /// One process, or `None`; one that is still being launched is not there yet.
    ///
    /// # Errors
    /// As [`Fault`].
    pub async fn process(&self, id: ProcessId) -> Result<Option<ProcessRow>, Fault> {
        let filter = ProcessFilter {
            before: Some(ProcessId(id.0.saturating_add(1))),
            max: 1,
            ..ProcessFilter::default()
        };
        let newest = self.history().processes(&filter).await?.pop();
        Ok(newest.filter(|row| row.id == id))
    }

    /// The engines that are at work on the store: of a file at most one, whose lock tells of it.
    ///
    /// # Errors
    /// As [`Fault`].
    pub async fn nodes(&self) -> Result<Vec<NodeRow>, Fault> {
        if self.path().is_none() {
            return self.history().nodes().await;
        }
        let EngineSeen::Running(holder) = self.engine() else {
            return Ok(Vec::new());
        };
        let node = holder.node.map(|node| NodeRow {
            id: None,
            host: node.host,
            pid: node.pid,
            command: node.command,
            since: holder.since,
            last_seen: None,
            lanes_busy: None,
            lease_left: None,
        });
        Ok(node.into_iter().collect())
    }

    /// The store's file; `None` for a store on a server.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.place.file()
    }

    /// Whether an engine has the store at this moment, asked of the kernel. Engines on a server share the store, and none has it.
    #[must_use]
    pub fn engine(&self) -> EngineSeen {
        let held = self.path().and_then(store::holder);
        held.map_or(EngineSeen::None, |held| EngineSeen::Running(held.into()))
    }
}
