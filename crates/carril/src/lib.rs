//! carril.
