//! Waits for locks in a user's database: who holds one up, on which table, since when.
//!
//! Whoever can look into the database says what it sees, in these words; the lane charges the time to it, the store keeps it, and
//! people read it. Nothing here looks anywhere. What the words of a session's statement are is for [`redacted`] to make harmless.

use crate::id::ExecutionId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Waits for locks of at least this many microseconds are looked for, told and recorded; shorter ones count as work.
pub const LOCK_SEEN_MICROS: i64 = 50_000;
/// Most sessions between one who waits and the root of it that are told.
pub const THROUGH_MAX: usize = 8;
/// Most characters of a session's statement that are told.
pub const QUERY_CHARS: usize = 80;

/// One wait for a lock in a user's database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockWait {
    /// The target in whose database it is.
    pub target: String,
    /// The table that it is about, where it is about one; with its schema only where that says something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// What is locked, in the database's words: `relation`, `tuple`, `transactionid`, `advisory`.
    pub kind: String,
    /// The lock that is asked for, in the database's words: `ShareLock`.
    pub mode: String,
    /// The database's process that waits.
    pub pid: i32,
    /// When it began, on the engine's clock.
    pub since: Timestamp,
    /// Who holds it up in the end: one that waits for no lock itself.
    pub blocker: Blocker,
    /// Those between the two, nearest first, at most [`THROUGH_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<Blocker>,
    /// Whether the two waited for each other, and the database ended it by failing this side.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deadlock: bool,
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "who", rename_all = "snake_case")]
pub enum Blocker {
    /// A step of an execution.
    Execution {
        /// The execution.
        execution: ExecutionId,
        /// `stage/step`; the step alone where another engine runs it.
        step: String,
        /// The database's process.
        pid: i32,
    },
    /// Somebody else's session.
    Session(Box<Session>),
    /// A transaction that was prepared for a commit in two phases and never finished; no session has it.
    Prepared,
}

/// A session of the database that is not a step's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The database's process.
    pub pid: i32,
    /// The role it logged in as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What it calls itself, or what the server calls it where it is one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// Where it comes from; `None` for the server's own machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// `active`, `idle in transaction`, ….
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Since when it is in that state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_since: Option<Timestamp>,
    /// Since when its transaction is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_since: Option<Timestamp>,
    /// The first words of its statement, or of its last one, without values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Whether the database hides its state and statement from the role that looked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

impl LockWait {
    /// What the cause is about: the table, else what is locked.
    #[must_use]
    pub fn about(&self) -> String {
        match (&self.table, self.kind.as_str()) {
            (Some(table), _) => table.clone(),
            (None, "transactionid" | "virtualxid" | "spectoken") => "a transaction".to_owned(),
            (None, "advisory") => "an advisory lock".to_owned(),
            (None, kind) => format!("a lock of kind {kind}"),
        }
    }

    /// Whether this tells of the same wait as another of the same attempt: the same blocker, about the same thing.
    #[must_use]
    pub fn is_same_wait(&self, other: &Self) -> bool {
        self.table == other.table && self.blocker.is_same(&other.blocker)
    }

    /// Whether people would be told the same of both, times aside.
    #[must_use]
    pub fn looks_like(&self, other: &Self) -> bool {
        let links = |wait: &Self| -> Vec<Blocker> {
            let links = wait.through.iter().chain(std::iter::once(&wait.blocker));
            links.map(Blocker::without_times).collect()
        };
        (&self.table, &self.kind, &self.mode) == (&other.table, &other.kind, &other.mode)
            && links(self) == links(other)
    }

    /// The execution that comes next on the way to the root.
    #[must_use]
    pub fn next_execution(&self) -> Option<ExecutionId> {
        let mut chain = self.through.iter().chain(std::iter::once(&self.blocker));
        chain.find_map(|link| match link {
            Blocker::Execution { execution, .. } => Some(*execution),
            Blocker::Session(_) | Blocker::Prepared => None,
        })
    }
}

impl Blocker {
    /// The database's process, where there is one.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        match self {
            Self::Execution { pid, .. } => Some(*pid),
            Self::Session(session) => Some(session.pid),
            Self::Prepared => None,
        }
    }

    /// Whether it is nobody that Carril runs.
    #[must_use]
    pub const fn is_foreign(&self) -> bool {
        !matches!(self, Self::Execution { .. })
    }

    fn without_times(&self) -> Self {
        match self {
            Self::Session(session) => Self::Session(Box::new(Session {
                state_since: None,
                transaction_since: None,
                ..(**session).clone()
            })),
            other => other.clone(),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        let execution = |blocker: &Self| match blocker {
            Self::Execution { execution, .. } => Some(*execution),
            Self::Session(_) | Self::Prepared => None,
        };
        self.pid() == other.pid() && execution(self) == execution(other)
    }
}

/// As it stands in lists: `execution 12 (compute/ipa)`, `psql (user ana, pid 4711)`.
impl fmt::Display for Blocker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Execution {
                execution, step, ..
            } => write!(out, "execution {execution} ({step})"),
            Self::Session(session) => {
                let application = session.application.as_deref().unwrap_or("session");
                match &session.user {
                    Some(user) => write!(out, "{application} (user {user}, pid {})", session.pid),
                    None => write!(out, "{application} (pid {})", session.pid),
                }
            }
            Self::Prepared => out.write_str("a prepared transaction"),
        }
    }
}

/// What an attempt tells while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockNews {
    /// It waits for this. The same wait may be told again as more of it is seen; another one ends the one before.
    Waits(Box<LockWait>),
    /// It goes on.
    Over {
        /// When that was seen, on the engine's clock.
        at: Timestamp,
    },
}

/// The first words of a statement without its values: texts and numbers are `?`, comments and the last semicolon are left out, and what is longer than
/// [`QUERY_CHARS`] is cut. Words of the database's own may be in it, names of tables and columns; nothing of a row is.
#[must_use]
pub fn redacted(sql: &str) -> String {
    let mut words = String::new();
    let mut rest = sql;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        // One more than is told, to know whether there is more.
        if words.chars().count() > QUERY_CHARS {
            break;
        }
        let is_in_word = before.is_alphanumeric() || before == '_' || before == '$';
        let (taken, shown) = piece(rest, first, is_in_word);
        if shown == " " {
            if !words.is_empty() && !words.ends_with(' ') {
                words.push(' ');
            }
        } else {
            if shown == "?" && !is_in_word {
                words.push('?');
            } else if shown == "?" {
                // The letter before a text, as in `E'…'`, says how it is written and is no word of its own.
                words.pop();
                words.push('?');
            } else {
                words.push_str(shown);
            }
        }
        before = if shown == "?" { ' ' } else { first };
        rest = &rest[taken..];
    }
    let words = words.trim_end_matches([' ', ';']);
    if words.chars().count() > QUERY_CHARS {
        let cut: String = words.chars().take(QUERY_CHARS - 1).collect();
        return format!("{}…", cut.trim_end());
    }
    words.to_owned()
}

/// The next piece of a statement: how many bytes it has, and what is shown of it.
fn piece(rest: &str, first: char, is_in_word: bool) -> (usize, &str) {
    let one = first.len_utf8();
    match first {
        _ if first.is_whitespace() => (one, " "),
        '\'' => (text_end(rest, '\'', has_backslashes(is_in_word)), "?"),
        '"' => {
            let end = text_end(rest, '"', false);
            (end, &rest[..end])
        }
        '-' if rest.starts_with("--") => (rest.find('\n').unwrap_or(rest.len()), " "),
        '/' if rest.starts_with("/*") => (comment_end(rest), " "),
        '$' if !is_in_word => match dollar_end(rest) {
            Some(end) => (end, "?"),
            None => (one, &rest[..one]),
        },
        '0'..='9' if !is_in_word => (number_end(rest), "?"),
        _ => (one, &rest[..one]),
    }
}

/// Whether a text may hold backslashes before a quote: behind a letter, as in `E'…'`, it is taken so, since showing less is no harm.
const fn has_backslashes(is_in_word: bool) -> bool {
    is_in_word
}

fn text_end(rest: &str, quote: char, backslashes: bool) -> usize {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, next)) = chars.next() {
        if next == '\\' && backslashes {
            chars.next();
        } else if next == quote {
            if chars.peek().is_some_and(|(_, after)| *after == quote) {
                chars.next();
            } else {
                return at + quote.len_utf8();
            }
        }
    }
    rest.len()
}

/// Comments may stand in comments.
fn comment_end(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The end of a text between `$tag$` and `$tag$`; `None` where none begins.
fn dollar_end(rest: &str) -> Option<usize> {
    let tag = rest[1..].find('$').map(|at| at + 2)?;
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let name = &rest[1..tag - 1];
    if !name.chars().all(is_name) || name.starts_with(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    let end = rest[tag..].find(&rest[..tag]);
    Some(end.map_or(rest.len(), |end| tag + end + tag))
}

fn number_end(rest: &str) -> usize {
    let is_number = |letter: char| letter.is_ascii_alphanumeric() || letter == '.' || letter == '_';
    rest.find(|letter: char| !is_number(letter))
        .unwrap_or(rest.len())
}

#[cfg(test)]
mod tests;
