//! The store against the conformance suite, each case in a database of its own.

use carril_postgres::store::{PostgresHistory, PostgresStore, StoreOptions};
use carril_testkit::postgres::{Cluster, Database};
use carril_testkit::store::Opener;
use std::sync::Arc;

/// A database with an empty store in it.
pub(crate) fn database() -> Database {
    // What the template holds depends on the schema and nothing else, so its name does.
    let migrations = [
        include_str!("../../sql/store/migrations/0001_initial.up.sql"),
        include_str!("../../sql/store/migrations/0002_neighbours.up.sql"),
    ];
    let bytes = migrations.iter().flat_map(|up| up.bytes());
    let sum = bytes.fold(7_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(byte))
    });
    Cluster::get().database_like(&format!("store_{sum:x}"), |url| {
        drop(open(url));
    })
}

pub(crate) fn open(url: &str) -> PostgresStore {
    PostgresStore::open(url, &StoreOptions::default()).unwrap()
}

/// Lets the lease of every node run out.
pub(crate) fn expire(database: &Database) {
    database.sql("UPDATE carril.node SET lease_until = '-infinity'");
}

/// Opens the same store again and again. Whoever opens it finds that the leases of those before have run out: a case that
/// crashes an engine does not wait for fifteen seconds.
pub(crate) fn opener() -> Opener {
    opener_of(Arc::new(database()))
}

/// The same in a database that is there.
pub(crate) fn opener_of(database: Arc<Database>) -> Opener {
    let url = database.url();
    let opener = Opener::new(move || {
        expire(&database);
        Arc::new(open(&database.url()))
    });
    opener.with_history(move || {
        Arc::new(PostgresHistory::open(&url, &StoreOptions::default()).unwrap())
    })
}

carril_testkit::store_conformance!(crate::store::opener);
