//! Tokens with byte ranges, out of sqlparser's tokenizer.
//!
//! One dialect for all targets, chosen so that nothing inside strings, quoted names and comments is ever taken for SQL:
//! `$body$…$body$`, `[a;b]`, `E'it\'s'`, `N'…'`, backticks. Blanks and comments are dropped; ranges keep their places.

use super::SqlError;
use sqlparser::dialect::Dialect;
use sqlparser::tokenizer::{Location, TokenWithSpan, Tokenizer};
use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

/// A token that is neither blank nor comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word without quotes, as written.
    Word(String),
    /// A quoted name, without its quotes.
    Quoted(String),
    /// `;`, `:`, `.`, `,`, `(`, `)`, `=`.
    Symbol(char),
    /// Strings, numbers, operators.
    Other,
}

impl Token {
    pub(super) fn is_symbol(&self, symbol: char) -> bool {
        self.kind == Kind::Symbol(symbol)
    }

    /// Whether it is this word, which is given in capitals.
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(text) if text.eq_ignore_ascii_case(word))
    }

    pub(super) fn is_one_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is_word(word))
    }

    /// Whether nothing is between `before` and it.
    pub(super) fn follows(&self, before: &Self) -> bool {
        before.range.end == self.range.start
    }
}

/// All tokens of a text in order.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, SqlError> {
    let mut found = Vec::new();
    collect(text, 0, &mut found)?;
    Ok(found)
}

fn collect(text: &str, base: usize, found: &mut Vec<Token>) -> Result<(), SqlError> {
    let mut raw = Vec::new();
    let result = Tokenizer::new(&AnySql, text)
        .with_unescape(false)
        .tokenize_with_location_into_buf(&mut raw);
    let mut cursor = Cursor::new(text);
    if let Err(error) = result {
        let offset = base + cursor.offset(error.location);
        return Err(SqlError {
            message: lowercase_first(&error.message),
            offset,
            help: "end every string, quoted name and comment",
        });
    }
    let starts: Vec<usize> = raw
        .iter()
        .map(|token| cursor.offset(token.span.start))
        .collect();
    for (at, token) in raw.iter().enumerate() {
        let end = starts.get(at + 1).copied().unwrap_or(text.len());
        push(text, base, starts[at]..end, token, found)?;
    }
    Ok(())
}

fn push(
    text: &str,
    base: usize,
    range: Range<usize>,
    token: &TokenWithSpan,
    found: &mut Vec<Token>,
) -> Result<(), SqlError> {
    use sqlparser::tokenizer::Token as Raw;
    let place = base + range.start..base + range.end;
    let kind = match &token.token {
        Raw::EOF | Raw::Whitespace(_) => return Ok(()),
        Raw::Word(word) => match word.quote_style {
            // `list[:index]` is a subscript, `[a name]` a name: what stands right before it tells.
            Some('[')
                if found.last().is_some_and(|before| {
                    before.range.end == place.start && before.ends_value()
                }) =>
            {
                return subscript(text, base, range, found);
            }
            Some(_) => Kind::Quoted(word.value.clone()),
            None => Kind::Word(word.value.clone()),
        },
        Raw::SemiColon => Kind::Symbol(';'),
        Raw::Colon => Kind::Symbol(':'),
        Raw::Period => Kind::Symbol('.'),
        Raw::Comma => Kind::Symbol(','),
        Raw::LParen => Kind::Symbol('('),
        Raw::RParen => Kind::Symbol(')'),
        Raw::Eq => Kind::Symbol('='),
        _ => Kind::Other,
    };
    found.push(Token { kind, range: place });
    Ok(())
}

impl Token {
    fn ends_value(&self) -> bool {
        matches!(
            self.kind,
            Kind::Word(_) | Kind::Quoted(_) | Kind::Symbol(')')
        ) || self.kind == Kind::Other
    }
}

/// The tokens inside the brackets of a subscript; the brackets themselves are one token each.
fn subscript(
    text: &str,
    base: usize,
    range: Range<usize>,
    found: &mut Vec<Token>,
) -> Result<(), SqlError> {
    let inside = range.start + 1..range.end - 1;
    found.push(Token {
        kind: Kind::Other,
        range: base + range.start..base + inside.start,
    });
    collect(&text[inside.clone()], base + inside.start, found)?;
    found.push(Token {
        kind: Kind::Other,
        range: base + inside.end..base + range.end,
    });
    Ok(())
}

/// Turns the tokenizer's lines and columns into byte offsets; they only grow.
struct Cursor<'a> {
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
    line: u64,
    column: u64,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            rest: text.char_indices().peekable(),
            line: 1,
            column: 1,
        }
    }

    fn offset(&mut self, location: Location) -> usize {
        while (self.line, self.column) < (location.line, location.column) {
            match self.rest.next() {
                Some((_, '\n')) => (self.line, self.column) = (self.line + 1, 1),
                Some(_) => self.column += 1,
                None => return self.text.len(),
            }
        }
        self.rest.peek().map_or(self.text.len(), |(at, _)| *at)
    }
}

fn lowercase_first(message: &str) -> String {
    let mut rest = message.chars();
    match rest.next() {
        Some(first) => first.to_lowercase().chain(rest).collect(),
        None => String::new(),
    }
}

/// A dialect that knows every way to quote which our targets have.
#[derive(Debug)]
struct AnySql;

impl Dialect for AnySql {
    fn is_delimited_identifier_start(&self, first: char) -> bool {
        matches!(first, '"' | '`' | '[')
    }

    fn is_identifier_start(&self, first: char) -> bool {
        first.is_alphabetic() || matches!(first, '_' | '#' | '@')
    }

    fn is_identifier_part(&self, part: char) -> bool {
        part.is_alphanumeric() || matches!(part, '_' | '#' | '@' | '$')
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }
}
