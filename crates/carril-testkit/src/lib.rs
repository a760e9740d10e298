//! carril-testkit.
