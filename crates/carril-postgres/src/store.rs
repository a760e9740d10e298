//! The state store: Carril's own memory in one schema of a PostgreSQL database, behind the contract `Store`.
//!
//! [`PostgresStore`] is for an engine, of which there may be any number on one schema: each is a node with a lease. Statements live
//! in `sql/store/`, one per file; decisions live in the model. What only a file needs is not here: copies and examinations of a
//! database are its administrator's, who has better tools for them.
//!
//! ```text
//! engine ──verbs──▶ PostgresStore ──▶ thread ──▶ schema `carril` ◀── thread ◀── PostgresStore ◀── another engine
//!    ▲                                  ear ◀── notifications, at most one in 50 ms ──▶ ear                 ▲
//!    └───────────────────── stirred ◀────┘                                               └──▶ stirred ───────┘
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
mod allot;
mod breakers;
mod changes;
mod claim;
mod commit;
mod deltas;
mod desk;
mod ear;
mod engine;
mod enter;
mod fault;
mod forget;
mod history;
mod hot;
mod import;
mod lanes;
mod launch;
mod legacy;
mod lookup;
mod migrate;
mod neighbours;
mod open;
mod rails;
mod records;
mod rows;
mod session;
mod share;
mod steps;
mod text;
mod wake;

pub use engine::PostgresStore;
pub use history::PostgresHistory;
pub use legacy::{LEGACY_VIEWS, LegacyError, make_legacy_views, remove_legacy_views};
pub use open::{OpenError, StoreOptions, downgrade, upgrade};
