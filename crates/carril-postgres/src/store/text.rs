//! The text of a statement, out of its file.
//!
//! The comment that opens a file is for people. Prepared statements are found by their text, so leaving the comment out makes
//! every look-up cheaper.

/// The file without the lines of comment that it begins with.
pub(crate) const fn statement(file: &str) -> &str {
    let bytes = file.as_bytes();
    let mut at = 0;
    while at + 1 < bytes.len() && bytes[at] == b'-' && bytes[at + 1] == b'-' {
        while at < bytes.len() && bytes[at] != b'\n' {
            at += 1;
        }
        at += 1;
    }
    file.split_at(at).1
}
