//! carril-model.
