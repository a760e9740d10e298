//! Versions of the store's schema, up and down, each migration one transaction with its version number.
//!
//! Numbers are linear. A migration is never edited once it is released; a schema change is a new pair of files.

use super::open::{APPLICATION_ID, OpenError};
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// One step between two versions.
struct Migration {
    up: &'static str,
    down: &'static str,
}

/// In order; the first makes version 1.
const MIGRATIONS: &[Migration] = &[
    Migration {
        up: sql!("migrations/0001_initial.up"),
        down: sql!("migrations/0001_initial.down"),
    },
    Migration {
        up: sql!("migrations/0002_views.up"),
        down: sql!("migrations/0002_views.down"),
    },
    Migration {
        up: sql!("migrations/0003_folder.up"),
        down: sql!("migrations/0003_folder.down"),
    },
    Migration {
        up: sql!("migrations/0004_lanes.up"),
        down: sql!("migrations/0004_lanes.down"),
    },
    Migration {
        up: sql!("migrations/0005_limits.up"),
        down: sql!("migrations/0005_limits.down"),
    },
    Migration {
        up: sql!("migrations/0006_waiting.up"),
        down: sql!("migrations/0006_waiting.down"),
    },
    Migration {
        up: sql!("migrations/0007_rails.up"),
        down: sql!("migrations/0007_rails.down"),
    },
    Migration {
        up: sql!("migrations/0008_locks.up"),
        down: sql!("migrations/0008_locks.down"),
    },
    Migration {
        up: sql!("migrations/0009_imported.up"),
        down: sql!("migrations/0009_imported.down"),
    },
    Migration {
        up: sql!("migrations/0010_lanes_auto.up"),
        down: sql!("migrations/0010_lanes_auto.down"),
    },
    Migration {
        up: sql!("migrations/0011_access.up"),
        down: sql!("migrations/0011_access.down"),
    },
    Migration {
        up: sql!("migrations/0012_old_names.up"),
        down: sql!("migrations/0012_old_names.down"),
    },
];

/// The version that this program writes and reads.
pub(crate) const NEWEST: i32 = 12;

/// Brings the store from version `from` to the newest. Each step is durable by itself, so a stop in between goes on later.
pub(crate) fn up(connection: &mut Connection, path: &Path, from: i32) -> Result<(), OpenError> {
    let done = usize::try_from(from).unwrap_or(0);
    for (migration, version) in MIGRATIONS.iter().zip(1..).skip(done) {
        step(connection, migration.up, version - 1, version)
            .map_err(|error| OpenError::of(path, &error))?;
    }
    Ok(())
}

/// Takes the store from version `from` back to version `to`; 0 leaves an empty file that is nobody's.
pub(crate) fn down(
    connection: &mut Connection,
    path: &Path,
    from: i32,
    to: i32,
) -> Result<(), OpenError> {
    for version in (to.max(0)..from).rev() {
        let Some(migration) = usize::try_from(version)
            .ok()
            .and_then(|at| MIGRATIONS.get(at))
        else {
            continue;
        };
        step(connection, migration.down, version + 1, version)
            .map_err(|error| OpenError::of(path, &error))?;
    }
    Ok(())
}

fn step(connection: &mut Connection, statements: &str, from: i32, to: i32) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let current: i32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    // Another program did this step while we waited for the write lock.
    if current != from {
        return Ok(());
    }
    transaction.execute_batch(statements)?;
    transaction.pragma_update(None, "user_version", to)?;
    let application = if to == 0 { 0 } else { APPLICATION_ID };
    transaction.pragma_update(None, "application_id", application)?;
    transaction.commit()
}

#[cfg(test)]
mod tests;
