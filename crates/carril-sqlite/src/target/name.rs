//! The one place where names become SQL: quoting of identifiers and of file names in URIs.
//!
//! Table and column names come from pipelines and from users' databases, so any character may be in them. Values never
//! pass through here: they are bound.

use std::fmt::Write as _;
use std::path::Path;

/// What the shared file is called on a lane's connection. Tables named like this do not collide: it is a schema name.
pub(crate) const SHARED: &str = "carril_shared";
/// What a lane's file is called on the shared file's connection.
pub(crate) const LANE: &str = "carril_lane";

/// An identifier in double quotes.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Several identifiers, quoted, with commas between them.
pub(crate) fn quoted_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// A text literal, for the few places of a statement that take no bound value (a view's body).
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Whether two names are the same to SQLite: ASCII letters match in either case.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Whether a table is the engine's own.
pub(crate) fn is_engine_table(table: &str) -> bool {
    table
        .get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case("carril_"))
}

/// Whether a table is SQLite's own.
pub(crate) fn is_system_table(table: &str) -> bool {
    table
        .get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"))
}

/// The URI that opens a file for reading only, with every byte that means something in a URI escaped.
///
/// SQLite wants UTF-8; a path with other bytes is taken as far as it can be shown, and then does not exist.
pub(crate) fn read_only_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                uri.push(char::from(byte));
            }
            _ => write!(uri, "%{byte:02X}").expect("writing to a String cannot fail"),
        }
    }
    uri.push_str("?mode=ro");
    uri
}

#[cfg(test)]
mod tests;
