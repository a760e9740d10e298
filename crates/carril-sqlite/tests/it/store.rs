//! The store against the conformance suite.

use carril_sqlite::store::{SqliteStore, StoreOptions};
use carril_testkit::store::Opener;
use std::sync::Arc;

pub(crate) fn opener() -> Opener {
    let folder = tempfile::tempdir().unwrap();
    Opener::new(move || {
        let store =
            SqliteStore::open(&folder.path().join("carril.db"), StoreOptions::default()).unwrap();
        Arc::new(store)
    })
}

carril_testkit::store_conformance!(crate::store::opener);
