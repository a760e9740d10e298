//! carril-steps.
