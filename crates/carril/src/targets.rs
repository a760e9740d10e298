//! The targets of one program: databases by name and URL, each opened once.
//!
//! The same name and file is the same target, so that the engine's bounds hold for it whoever asks. References to secrets
//! are resolved here, at opening, and nowhere else.

use crate::location::{self, Location};
use crate::open::Lookup;
use crate::secret::{self, Resolved, Secrets};
use carril_engine::TargetOpener;
use carril_model::contract::{Clock, Pending, Target, TargetError};
use carril_model::plan::stable_hash;
use carril_postgres::address::Address;
use carril_postgres::target::{PostgresTarget, TargetOptions as PostgresOptions};
use carril_sqlite::target::{SqliteTarget, TargetOptions};
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Most bytes of a file that a reference names.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// The targets of one program. Clones share them.
#[derive(Clone)]
pub struct Targets {
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    workspaces: PathBuf,
    lookup: Lookup,
    clock: Arc<dyn Clock>,
    sees_locks: bool,
    // Held only for the look-up; opening one does no more than look whether its file is there, and connects to no server.
    open: Mutex<HashMap<(String, Location), Arc<dyn Target>>>,
}

impl fmt::Debug for Targets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Targets")
            .field("folder", &self.shared.folder)
            .finish_non_exhaustive()
    }
}

impl Targets {
    /// No target is open yet. Relative paths are relative to `folder`; lanes' own files go below `workspaces`.
    #[must_use]
    pub fn new(
        folder: impl Into<PathBuf>,
        workspaces: impl Into<PathBuf>,
        lookup: Lookup,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let shared = Shared {
            folder: folder.into(),
            workspaces: workspaces.into(),
            lookup,
            clock,
            sees_locks: true,
            open: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The same, looking at locks or not: see [`crate::OpenOptions::sees_locks`].
    #[must_use]
    pub(crate) fn sees_locks(mut self, sees_locks: bool) -> Self {
        let shared = Arc::get_mut(&mut self.shared);
        shared
            .expect("nobody else has it before it is opened")
            .sees_locks = sees_locks;
        self
    }

    /// A text with its references replaced, for whoever uses it now.
    ///
    /// # Errors
    /// A sentence that names the reference that stands for nothing.
    pub(crate) fn resolve(&self, text: &str) -> Result<Resolved, String> {
        secret::resolve(text, self.shared.as_ref())
    }

    /// The file of a target, its references resolved, for whoever only looks at the file; `None` for one on a server.
    ///
    /// # Errors
    /// As [`Targets::open`].
    pub fn file(&self, url: &str) -> Result<Option<PathBuf>, TargetError> {
        let (place, _) = self.place(url)?;
        Ok(place.file().map(Path::to_owned))
    }

    /// Where a URL leads, its references resolved.
    pub(crate) fn place(&self, url: &str) -> Result<(Location, Resolved), TargetError> {
        let shared = &self.shared;
        // As it is written: what a reference stands for may be a secret, what stands there may not.
        location::target_url(url, &shared.folder)
            .map_err(|error| TargetError::Unreachable(error.to_string()))?;
        let resolved = secret::resolve(url, shared.as_ref()).map_err(TargetError::Unreachable)?;
        let place = location::target_place(resolved.value(), &shared.folder)
            .map_err(|error| TargetError::Unreachable(resolved.hide(&error.to_string())))?;
        Ok((place, resolved))
    }

    /// The target at `url`; the same one again for the same name and place.
    ///
    /// # Errors
    /// [`TargetError::Unreachable`] for a URL that is wrong, a reference that stands for nothing, or a file that is not there.
    /// No text has the value of a reference in it. A server that does not answer shows when it is first asked.
    pub fn open(&self, name: &str, url: &str) -> Result<Arc<dyn Target>, TargetError> {
        let shared = &self.shared;
        let (place, resolved) = self.place(url)?;
        let unreachable = |text: String| TargetError::Unreachable(resolved.hide(&text));
        let place = match place {
            Location::File(path) => Location::File(path.canonicalize().unwrap_or(path)),
            server @ Location::Postgres(_) => server,
        };
        let key = (name.to_owned(), place);
        let mut open = shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(target) = open.get(&key) {
            return Ok(Arc::clone(target));
        }
        let clock = Arc::clone(&shared.clock);
        let target: Arc<dyn Target> = match &key.1 {
            Location::File(path) => {
                let options = TargetOptions::new(path, shared.workspaces_of(name, path), clock);
                let opened = SqliteTarget::open(name, options);
                Arc::new(opened.map_err(|error| unreachable(error.to_string()))?)
            }
            Location::Postgres(url) => {
                let address =
                    Address::parse(url).map_err(|error| unreachable(error.to_string()))?;
                let options = PostgresOptions {
                    sees_locks: shared.sees_locks,
                    ..PostgresOptions::new(address, clock)
                };
                Arc::new(PostgresTarget::open(name, options))
            }
        };
        open.insert(key, Arc::clone(&target));
        Ok(target)
    }
}

impl TargetOpener for Targets {
    fn open<'a>(
        &'a self,
        name: &'a str,
        url: &'a str,
    ) -> Pending<'a, Result<Arc<dyn Target>, TargetError>> {
        Box::pin(std::future::ready(Self::open(self, name, url)))
    }
}

impl Shared {
    /// A folder that no other target has: two of the same name at different files must not meet in it.
    fn workspaces_of(&self, name: &str, path: &Path) -> PathBuf {
        let hash = stable_hash(&[&path.to_string_lossy()]);
        self.workspaces
            .join(format!("{name}-{:08x}", hash & 0xffff_ffff))
    }
}

impl Secrets for Shared {
    fn variable(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
    }

    fn file(&self, path: &str) -> Result<String, String> {
        let path = self.folder.join(path);
        let data = path.metadata().map_err(|error| error.to_string())?;
        if !data.is_file() || data.len() > SECRET_BYTES_MAX {
            return Err(format!(
                "it is not a file of at most {SECRET_BYTES_MAX} bytes"
            ));
        }
        std::fs::read_to_string(&path).map_err(|error| error.to_string())
    }
}
