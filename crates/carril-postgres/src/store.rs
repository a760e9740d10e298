//! The state store: Carril's own memory in one schema of a PostgreSQL database.
//!
//! Statements live in `sql/store/`, one per file; decisions live in the model.

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

mod fault;
mod text;
