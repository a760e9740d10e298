//! Texts with `{name}` in them: what is a name, and what is only a brace.
//!
//! The one rule of it, for those who check a pipeline and for those who fill its texts when a step runs. What a name means
//! and what becomes of its value is theirs to say.

use std::ops::Range;

/// A part of a text, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Stands as it is. Two braces that stand for one give that one.
    Text(&'a str),
    /// `{name}`: the value of that name.
    Value {
        /// The name, without its braces.
        name: &'a str,
        /// Its bytes in the text, braces included.
        range: Range<usize>,
    },
    /// `${secret:NAME}`: a secret of the settings. Only [`pieces_with_secrets`] gives it.
    Secret {
        /// The name.
        name: &'a str,
        /// Its bytes in the text, from `$` to the brace.
        range: Range<usize>,
    },
}

/// Takes a text apart: `{name}` is a value, `{{` and `}}` are braces.
///
/// # Errors
/// The offset of a brace that belongs to no name.
pub fn pieces(text: &str) -> Result<Vec<Piece<'_>>, usize> {
    split(text, false)
}

/// The same where `${secret:NAME}` is a secret of the settings.
///
/// # Errors
/// The offset of a brace that belongs to no name.
pub fn pieces_with_secrets(text: &str) -> Result<Vec<Piece<'_>>, usize> {
    split(text, true)
}

fn split(text: &str, secrets: bool) -> Result<Vec<Piece<'_>>, usize> {
    let mut pieces = Vec::new();
    // Up to where the text is in `pieces`, and from where the next brace is looked for.
    let mut from = 0;
    while let Some(found) = text[from..].find(['{', '}']) {
        let brace = from + found;
        if text[brace + 1..].starts_with(&text[brace..=brace]) {
            pieces.push(Piece::Text(&text[from..=brace]));
            from = brace + 2;
            continue;
        }
        let Some(end) = named_until(text, brace) else {
            return Err(brace);
        };
        let inner = &text[brace + 1..end - 1];
        let secret = inner
            .strip_prefix("secret:")
            .filter(|name| secrets && is_name(name) && text[from..brace].ends_with('$'));
        let (piece, start) = match secret {
            Some(name) => {
                let range = brace - 1..end;
                (Piece::Secret { name, range }, brace - 1)
            }
            None if is_name(inner) => {
                let range = brace..end;
                (Piece::Value { name: inner, range }, brace)
            }
            None => return Err(brace),
        };
        if start > from {
            pieces.push(Piece::Text(&text[from..start]));
        }
        pieces.push(piece);
        from = end;
    }
    if from < text.len() {
        pieces.push(Piece::Text(&text[from..]));
    }
    Ok(pieces)
}

/// Where what begins with this brace ends, if it is one that opens.
fn named_until(text: &str, brace: usize) -> Option<usize> {
    if !text[brace..].starts_with('{') {
        return None;
    }
    text[brace..].find('}').map(|end| brace + end + 1)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && text
            .chars()
            .all(|character| character.is_alphanumeric() || matches!(character, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests;
