//! From text to a checked definition.
