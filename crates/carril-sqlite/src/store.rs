//! The state store: Carril's own memory in one SQLite file, behind the contracts `Store`, `History` and `Mailbox`.
//!
//! [`SqliteStore`] is for the engine: one connection on a thread of its own writes everything. [`SqliteHistory`] is for
//! whoever asks, also from another program while an engine runs. [`EngineLock`] keeps a second engine away.
//! Statements live in `sql/store/`, one per file; decisions live in the model.
//!
//! ```text
//! engine ──verbs──▶ SqliteStore ──▶ thread ──▶ store.db ◀── SqliteHistory ◀── carril ps, why, sql …
//!                                                 ▲─────── Mailbox: wishes of other programs
//! ```

/// The text of a statement in `sql/store/`, without the comment that opens its file.
macro_rules! sql {
    ($name:literal) => {
        const {
            $crate::store::text::statement(include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/sql/store/",
                $name,
                ".sql"
            )))
        }
    };
}

mod access;
mod adapt;
mod again;
mod backup;
mod breakers;
mod changes;
mod claim;
mod commit;
mod deltas;
mod engine;
mod enter;
mod examine;
mod fault;
mod filesystem;
mod forget;
mod history;
mod hot;
mod import;
mod lanes;
mod launch;
mod lock;
mod lookup;
mod migrate;
mod open;
mod rails;
mod records;
mod rows;
mod session;
mod text;
mod wake;

pub use backup::{Backup, BackupError, Contents, Keep, Progress, Restored, backup, restore};
pub use engine::SqliteStore;
pub use examine::{Disk, Examined, WorkspaceFile, disk, examine, workspaces};
pub use history::SqliteHistory;
pub use lock::{EngineLock, Held, LockError, holder};
pub use open::{Durability, OpenError, StoreOptions, downgrade};
