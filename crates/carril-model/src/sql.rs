//! User SQL as text: its statements, its placeholders, and what its words give away.
//!
//! Only tokens are looked at (sqlparser's tokenizer), never syntax trees: dialects differ too much. Values are bound, never
//! pasted in: nothing here puts a value into a text. What a statement really does is the target's knowledge; the guess
//! in [`Script::written_tables`] is for those that cannot be asked.

mod change;
mod lexer;
mod statements;
mod tables;

pub use change::{NameList, RowChange, Verb};

use lexer::{Kind, Token};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// Most bytes of one SQL text; a longer one is data, and data belongs into a table.
pub const SQL_BYTES_MAX: usize = 1024 * 1024;

/// Gives values for placeholder names.
pub trait Lookup: Send + Sync {
    /// The value of `name` (`report_date`, `entity.id_fund`, `steps.ipa.rows`), or `None` when there is no such name.
    fn get(&self, name: &str) -> Option<Value>;
}

/// SQL text taken apart.
#[derive(Debug, Clone)]
pub struct Script {
    text: String,
    tokens: Vec<Token>,
    statements: Vec<Statement>,
    placeholders: Vec<Placeholder>,
    /// Placeholder names by what SQLite calls them, without the colon.
    sqlite_names: BTreeMap<String, String>,
}

/// One statement, without the comments and blanks around it and without its semicolon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its bytes in the text.
    pub range: Range<usize>,
    /// Its first word in capitals; empty if it starts with something else.
    pub first_word: String,
    tokens: Range<usize>,
}

/// One use of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder {
    /// Without the colon: `report_date`, `steps.ipa.rows`.
    pub name: String,
    /// Its bytes in the text, the colon included.
    pub range: Range<usize>,
}

/// A table that a statement seems to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenTable {
    /// As written, without quotes; with its schema if it has one.
    pub table: String,
    /// Byte offset in the text.
    pub offset: usize,
}

/// Why a text cannot be taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// The byte in the text where it is.
    pub offset: usize,
    /// What would be right.
    pub help: &'static str,
}

impl fmt::Display for SqlError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for SqlError {}

impl Script {
    /// Takes a text apart.
    ///
    /// # Errors
    /// A string, quoted name or comment that does not end; two placeholders that SQLite could not tell apart
    /// (`:entity.key` and `:entity_key`); more than [`SQL_BYTES_MAX`] bytes.
    pub fn parse(text: &str) -> Result<Self, SqlError> {
        if text.len() > SQL_BYTES_MAX {
            let message = format!(
                "it has {} bytes, at most {SQL_BYTES_MAX} are taken",
                text.len()
            );
            return Err(SqlError {
                message,
                offset: 0,
                help: "keep data in tables, and make several steps of it",
            });
        }
        let tokens = lexer::tokens(text)?;
        let statements = statements::split(&tokens);
        let placeholders = placeholders(text, &tokens);
        let sqlite_names = sqlite_names(&placeholders)?;
        Ok(Self {
            text: text.to_owned(),
            tokens,
            statements,
            placeholders,
            sqlite_names,
        })
    }

    /// The text as given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The statements in order; empty ones are left out.
    #[must_use]
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Every use of a placeholder in order; a name that is used twice is there twice.
    #[must_use]
    pub fn placeholders(&self) -> &[Placeholder] {
        &self.placeholders
    }

    /// The text as SQLite takes it: in placeholders `_` instead of dots, so that every byte offset stays the same.
    #[must_use]
    pub fn sqlite_text(&self) -> String {
        let mut text = String::with_capacity(self.text.len());
        let mut from = 0;
        for placeholder in &self.placeholders {
            text.push_str(&self.text[from..placeholder.range.start]);
            text.push_str(&self.text[placeholder.range.clone()].replace('.', "_"));
            from = placeholder.range.end;
        }
        text.push_str(&self.text[from..]);
        text
    }

    /// The placeholder that SQLite calls so (`:steps_ipa_rows` or `steps_ipa_rows`): its name with dots.
    #[must_use]
    pub fn parameter(&self, sqlite_name: &str) -> Option<&str> {
        let name = sqlite_name.strip_prefix(':').unwrap_or(sqlite_name);
        self.sqlite_names.get(name).map(String::as_str)
    }

    /// The statements that would end or replace the transaction that a step runs in, or change the connection itself.
    pub fn transaction_control(&self) -> impl Iterator<Item = &Statement> {
        self.statements
            .iter()
            .filter(|statement| CONTROL_WORDS.contains(&statement.first_word.as_str()))
    }

    /// The tables that a statement of this script seems to write, by its words alone.
    #[must_use]
    pub fn written_tables(&self, statement: &Statement) -> Vec<WrittenTable> {
        tables::written(
            self.tokens
                .get(statement.tokens.clone())
                .unwrap_or_default(),
        )
    }

    /// How a statement of this script that changes rows is put together; `None` for any other statement, and for one whose
    /// words do not tell.
    #[must_use]
    pub fn row_change(&self, statement: &Statement) -> Option<RowChange> {
        change::row_change(self.tokens.get(statement.tokens.clone())?)
    }

    /// Every name in the text, quoted or not, and every other word: placeholders are none. With the byte where it begins.
    pub fn names(&self) -> impl Iterator<Item = (&str, usize)> {
        let mut values = self.placeholders.iter().peekable();
        self.tokens.iter().filter_map(move |token| {
            while values
                .peek()
                .is_some_and(|value| value.range.end <= token.range.start)
            {
                values.next();
            }
            let is_value = values
                .peek()
                .is_some_and(|value| value.range.contains(&token.range.start));
            match &token.kind {
                Kind::Word(text) | Kind::Quoted(text) if !is_value => {
                    Some((text.as_str(), token.range.start))
                }
                _ => None,
            }
        })
    }

    /// Where the first placeholder stands that is a number (`$1`, as PostgreSQL writes them): no value has such a name.
    #[must_use]
    pub fn numbered_placeholder(&self) -> Option<usize> {
        let is_number = |token: &&Token| {
            let mut letters = self.text[token.range.clone()].chars();
            letters.next() == Some('$')
                && letters.next().is_some_and(|digit| digit.is_ascii_digit())
        };
        self.tokens
            .iter()
            .find(is_number)
            .map(|token| token.range.start)
    }

    /// The names that stand behind this schema's name and a dot, with the byte where the schema's name begins.
    pub fn names_in<'s>(&'s self, schema: &'s str) -> impl Iterator<Item = (&'s str, usize)> {
        let text = |token: &'s Token| match &token.kind {
            Kind::Word(text) | Kind::Quoted(text) => Some(text.as_str()),
            Kind::Symbol(_) | Kind::Other => None,
        };
        self.tokens.windows(3).filter_map(move |three| {
            let is_schema = text(&three[0]).is_some_and(|name| name.eq_ignore_ascii_case(schema));
            let name = text(&three[2]).filter(|_| is_schema && three[1].is_symbol('.'))?;
            Some((name, three[0].range.start))
        })
    }

    /// The word of a statement by which it does what its own words do not tell: `CALL`, `EXECUTE`, `DO` and the like.
    #[must_use]
    pub fn dynamic_word(&self, statement: &Statement) -> Option<&str> {
        tables::dynamic(
            self.tokens
                .get(statement.tokens.clone())
                .unwrap_or_default(),
        )
    }
}

/// First words that a step's SQL may not have: a step is one transaction, which Carril begins and commits.
const CONTROL_WORDS: [&str; 12] = [
    "BEGIN",
    "START",
    "COMMIT",
    "ROLLBACK",
    "ABORT",
    "SAVEPOINT",
    "RELEASE",
    "END",
    "ATTACH",
    "DETACH",
    "PRAGMA",
    "VACUUM",
];

/// A colon with a name right behind it, and further names with dots between.
fn placeholders(text: &str, tokens: &[Token]) -> Vec<Placeholder> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let start = tokens[at].range.start;
        let mut end = at + 1;
        if tokens[at].is_symbol(':') && is_name(tokens.get(end), &tokens[at]) {
            while tokens
                .get(end + 1)
                .is_some_and(|dot| dot.is_symbol('.') && dot.follows(&tokens[end]))
                && is_name(tokens.get(end + 2), &tokens[end + 1])
            {
                end += 2;
            }
            let range = start..tokens[end].range.end;
            found.push(Placeholder {
                name: text[start + 1..range.end].to_owned(),
                range,
            });
        }
        at = end;
    }
    found
}

fn is_name(token: Option<&Token>, before: &Token) -> bool {
    token.is_some_and(|token| matches!(token.kind, Kind::Word(_)) && token.follows(before))
}

fn sqlite_names(placeholders: &[Placeholder]) -> Result<BTreeMap<String, String>, SqlError> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for placeholder in placeholders {
        let name = names
            .entry(placeholder.name.replace('.', "_"))
            .or_insert_with(|| placeholder.name.clone());
        if *name != placeholder.name {
            let message = format!(
                "`:{}` and `:{name}` cannot be told apart, since SQLite takes no dots in a placeholder",
                placeholder.name
            );
            return Err(SqlError {
                message,
                offset: placeholder.range.start,
                help: "write the same one everywhere",
            });
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
