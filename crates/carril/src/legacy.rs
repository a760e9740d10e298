//! The names of the old fund system in a schema of their own, on PostgreSQL: the door of `carril store legacy-views`. A store in a file
//! has them from the start.

use crate::location::Location;
use crate::open::{Lookup, OpenError};
use crate::targets::Targets;
use carril_engine::clock::SystemClock;
use carril_engine::task;
use carril_postgres::store::{LegacyError, StoreOptions, make_legacy_views, remove_legacy_views};
use std::path::Path;
use std::sync::Arc;

pub use carril_postgres::store::LEGACY_VIEWS;

/// Why the views were neither made nor removed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum LegacyViewsError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The schema is somebody else's.
    #[error("{0}")]
    Taken(String),
}

impl LegacyViewsError {
    /// `CARnnnn`; its page is `docs/errors/CARnnnn.md`.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Open(error) => error.code(),
            Self::Taken(_) => "CAR0639",
        }
    }
}

/// Shows a store under the names of the old fund system, as views in `schema`, or with `remove` takes them away. Says whether there was
/// something to do: a store in a file has its views in itself.
///
/// # Errors
/// As [`LegacyViewsError`].
pub async fn legacy_views(
    store: &str,
    folder: &Path,
    lookup: &Lookup,
    schema: &str,
    remove: bool,
) -> Result<bool, LegacyViewsError> {
    let url = match Location::of_store(store, folder).map_err(OpenError::from)? {
        Location::File(_) => return Ok(false),
        Location::Postgres(url) => url,
    };
    let clock = Arc::new(SystemClock::new());
    let secrets = Targets::new(folder, folder, Arc::clone(lookup), clock);
    let resolved = secrets.resolve(&url).map_err(OpenError::Secret)?;
    let schema = schema.to_owned();
    let done = task::blocking(move || {
        let options = StoreOptions::default();
        if remove {
            remove_legacy_views(resolved.value(), &options, &schema)
        } else {
            make_legacy_views(resolved.value(), &options, &schema)
        }
    });
    match done.await {
        Ok(Ok(())) => Ok(true),
        Ok(Err(LegacyError::Open(error))) => Err(OpenError::from(error).into()),
        Ok(Err(taken)) => Err(LegacyViewsError::Taken(taken.to_string())),
        Err(_) => Err(OpenError::Panicked.into()),
    }
}
