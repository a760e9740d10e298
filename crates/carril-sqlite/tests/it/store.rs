//! The store against the conformance suite.

use carril_sqlite::store::{SqliteHistory, SqliteStore, StoreOptions};
use carril_testkit::store::Opener;
use std::sync::Arc;

pub(crate) fn opener() -> Opener {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("carril.db");
    let opener = Opener::new(move || {
        let file = folder.path().join("carril.db");
        Arc::new(SqliteStore::open(&file, StoreOptions::default()).unwrap())
    });
    opener.with_history(move || Arc::new(SqliteHistory::open(&file).unwrap()))
}

carril_testkit::store_conformance!(crate::store::opener);
