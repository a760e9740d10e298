//! carril-sqlite.
