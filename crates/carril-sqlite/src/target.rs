//! A user's SQLite database.
