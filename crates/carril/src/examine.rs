//! Looking whether all is well with a store, its disk and its workspaces: the doors of `carril doctor`. Changes nothing.

use crate::location::Location;
use crate::open::OpenError;
use carril_engine::task;
use carril_sqlite::store;
use std::io;
use std::path::Path;

pub use carril_sqlite::store::{Disk, Examined, WorkspaceFile};

/// Looks at a store of any version that this program knows. Reads all of it once.
///
/// # Errors
/// As [`OpenError`]; never [`OpenError::Held`].
pub async fn examine(store: &Path) -> Result<Examined, OpenError> {
    let path = store.to_owned();
    let told = task::blocking(move || store::examine(&path)).await;
    Ok(told.map_err(|_| OpenError::Panicked)??)
}

/// Looks at a file and the disk it lies on; the file need not be there.
#[must_use]
pub fn disk(path: &Path) -> Disk {
    store::disk(path)
}

/// The lanes' own files that belong to a store, in order of their paths; for a store on a server those on this machine, below
/// `folder`.
///
/// # Errors
/// As the system says.
pub async fn workspaces(store: &Location, folder: &Path) -> io::Result<Vec<WorkspaceFile>> {
    let folder = store.lanes(folder);
    let found = task::blocking(move || store::workspaces(&folder)).await;
    found.unwrap_or_else(|_| Err(io::Error::other("listing workspaces panicked")))
}
