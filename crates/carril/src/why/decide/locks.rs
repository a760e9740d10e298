//! Who holds the lock that an execution waits for, what is known of him, and what would help.

use super::{ExecutionFacts, Next, Told};
use crate::why::words::{count, span};
use carril_model::account::CauseKind;
use carril_model::lock::{Blocker, LockWait, Session};
use carril_model::time::Timestamp;

/// Why an execution waits for a lock in its target's database.
pub(super) fn lock(facts: &ExecutionFacts<'_>, who: &str, about: &str, waited: &str) -> Told {
    let told = |sentence: String, next: Option<Next>| Told {
        cause: CauseKind::Lock.name(),
        since: facts.row.account.since(),
        sentence,
        next,
    };
    let Some(row) = facts.lock else {
        let sentence = format!(
            "{who} waits since {waited} for a lock in the database ({about}); who holds it is not known"
        );
        return told(sentence, None);
    };
    let lock = &row.lock;
    let what = match &lock.table {
        Some(table) if lock.kind == "relation" => format!("a lock on table `{table}`"),
        Some(table) => format!("a row of table `{table}` that is locked"),
        None => match lock.kind.as_str() {
            "advisory" => "an advisory lock".to_owned(),
            "transactionid" | "virtualxid" | "spectoken" => "the end of a transaction".to_owned(),
            kind => format!("a lock of kind `{kind}`"),
        },
    };
    let step = format!(
        "{who} waits since {waited} at `{}` for {what} in target `{}`",
        row.step, lock.target
    );
    let next = lock.next_execution().map(Next::Execution);
    told(
        format!(
            "{step}, {}{}",
            holder(lock, facts.now),
            between(lock, facts.row.id)
        ),
        next,
    )
}

fn holder(lock: &LockWait, now: Timestamp) -> String {
    match &lock.blocker {
        Blocker::Execution {
            execution,
            step,
            pid,
        } => format!("held by execution {execution}, which is at `{step}` (process {pid} of the database)"),
        Blocker::Prepared => "held by a transaction that was prepared and never finished, which no session has any more; `select * from pg_prepared_xacts` in that database lists those, and `rollback prepared '…'` ends one".to_owned(),
        Blocker::Session(session) => {
            format!("held by {}; {}", described(session, now), advice(session))
        }
    }
}

/// `session 4711 of user `ana` (application `psql`, from 10.0.0.7), idle in transaction since 4.1 s, its last statement `update …``.
fn described(session: &Session, now: Timestamp) -> String {
    let since = |at: Option<Timestamp>| {
        at.map_or_else(String::new, |at| {
            format!(" since {}", span(now.micros_since(at)))
        })
    };
    let mut words = format!("session {}, which is not Carril's", session.pid);
    if let Some(user) = &session.user {
        words = format!("{words}: user `{user}`");
    }
    if let Some(application) = &session.application {
        words = format!("{words}, application `{application}`");
    }
    if let Some(address) = &session.address {
        words = format!("{words}, from {address}");
    }
    if let Some(state) = &session.state {
        words = format!("{words}, {state}{}", since(session.state_since));
    }
    if is_longer_open(session) {
        words = format!(
            "{words}, its transaction is open{}",
            since(session.transaction_since)
        );
    }
    match &session.query {
        Some(query) if session.state.as_deref() == Some("active") => {
            format!("{words}, running `{query}`")
        }
        Some(query) => format!("{words}, its last statement was `{query}`"),
        None if session.hidden => format!(
            "{words}; the database hides its state and statement from Carril's role, which `pg_read_all_stats` would show"
        ),
        None => words,
    }
}

/// Whether its transaction is open for so much longer than its state lasts that this says more.
fn is_longer_open(session: &Session) -> bool {
    let since = session.transaction_since.zip(session.state_since);
    since.is_some_and(|(transaction, state)| state.micros_since(transaction) >= 1_000_000)
}

fn advice(session: &Session) -> String {
    let pid = session.pid;
    match session.state.as_deref() {
        Some("active") => format!(
            "it is at work and may go on by itself; `select pg_cancel_backend({pid})` there stops its statement, `select pg_terminate_backend({pid})` ends it"
        ),
        Some(state) if state.starts_with("idle") => format!(
            "it does nothing now and keeps its locks until it commits or is ended; if nobody needs it, `select pg_terminate_backend({pid})` there ends it and takes back what it has not committed"
        ),
        _ => format!(
            "if nobody needs it, `select pg_terminate_backend({pid})` there ends it and takes back what it has not committed"
        ),
    }
}

/// Who stands between the two, where somebody does.
fn between(lock: &LockWait, own: carril_model::id::ExecutionId) -> String {
    let names: Vec<String> = lock
        .through
        .iter()
        .filter(|link| !matches!(link, Blocker::Execution { execution, .. } if *execution == own))
        .map(ToString::to_string)
        .collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!("; {one} waits for the same one, before it"),
        [first, ..] => format!(
            "; {first} and {} wait for the same one, before it",
            count(names.len() as u64 - 1, "other")
        ),
    }
}

#[cfg(test)]
mod tests;
