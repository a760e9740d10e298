//! carril-engine.
