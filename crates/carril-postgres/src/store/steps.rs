//! What the records of a group say about attempts, gathered so that each kind costs one statement.
//!
//! A statement cannot take two records about the same attempt, so whatever is about one that is here already begins a new wave;
//! waves are written one after the other. Whether a record was accepted is told by what its statement returns.

use super::rows::{int, list_json, owned_text, text, to_json};
use super::session::Tx;
use carril_model::account::Cause;
use carril_model::contract::{Fault, Owned, StepEnd};
use carril_model::id::StepId;
use carril_model::lock::LockWait;
use carril_model::time::Timestamp;
use std::collections::{BTreeMap, HashMap};

/// An attempt: execution, run, step, attempt.
type Key = (i64, i64, i64, i64);

/// Single waits: by execution, run, beginning, cause and step.
type Waits = BTreeMap<(i64, i64, i64, &'static str, i64), Wait>;

/// What is written of a single wait.
struct Wait {
    micros: i64,
    about: Option<String>,
    /// Who held it up, as lists show it, and all of it as JSON.
    blocker: Option<String>,
    lock: Option<String>,
}

/// What is written of an attempt.
enum Entry<'a> {
    Began(Timestamp),
    Waits {
        began: Timestamp,
        until: Option<Timestamp>,
        question: Option<&'a str>,
    },
    Ended(&'a StepEnd),
}

/// Records about attempts that are all different, with their places in the group.
type Wave<'a> = BTreeMap<Key, (usize, Entry<'a>)>;

/// The records about attempts of one group.
#[derive(Default)]
pub(crate) struct Steps<'a> {
    waves: Vec<Wave<'a>>,
    /// In which wave an attempt was last.
    last: HashMap<Key, usize>,
    waits: Waits,
}

impl<'a> Steps<'a> {
    /// An attempt began.
    pub(crate) fn began(
        &mut self,
        at: usize,
        owned: Owned,
        step: StepId,
        attempt: u32,
        when: Timestamp,
    ) {
        self.add(at, key(owned, step, attempt), Entry::Began(when));
    }

    /// An attempt ended.
    pub(crate) fn ended(&mut self, at: usize, owned: Owned, end: &'a StepEnd) {
        self.add(at, key(owned, end.step, end.attempt), Entry::Ended(end));
    }

    /// A step was reached that waits.
    pub(crate) fn waits(
        &mut self,
        at: usize,
        owned: Owned,
        (step, attempt): (StepId, u32),
        began: Timestamp,
        (until, question): (Option<Timestamp>, Option<&'a str>),
    ) {
        let entry = Entry::Waits {
            began,
            until,
            question,
        };
        self.add(at, key(owned, step, attempt), entry);
    }

    /// A single wait; what was told of the same one before in this group is replaced.
    pub(crate) fn waited(
        &mut self,
        owned: Owned,
        (step, cause): (Option<StepId>, &Cause),
        (from, until): (Timestamp, Timestamp),
        lock: Option<&LockWait>,
    ) {
        let step = step.map_or(-1, |step| i64::from(step.0));
        let (execution, run) = (owned.execution.0, i64::from(owned.run.0));
        let wait = Wait {
            micros: until.micros_since(from),
            about: cause.about.as_deref().map(owned_text),
            blocker: lock.map(|lock| owned_text(&lock.blocker.to_string())),
            lock: lock.map(|lock| owned_text(&to_json(lock))),
        };
        let key = (execution, run, from.0, cause.kind.name(), step);
        self.waits.insert(key, wait);
    }

    fn add(&mut self, at: usize, key: Key, entry: Entry<'a>) {
        let wave = self.last.get(&key).map_or(0, |wave| wave + 1);
        if wave == self.waves.len() {
            self.waves.push(Wave::new());
        }
        self.last.insert(key, wave);
        self.waves[wave].insert(key, (at, entry));
    }

    /// Writes everything and gives the places of the records that were accepted.
    pub(crate) async fn write(self, tx: &Tx<'_>) -> Result<Vec<usize>, Fault> {
        let mut accepted = Vec::new();
        for wave in &self.waves {
            write_wave(tx, wave, &mut accepted).await?;
        }
        if !self.waits.is_empty() {
            write_waits(tx, &self.waits).await?;
        }
        Ok(accepted)
    }
}

fn key(owned: Owned, step: StepId, attempt: u32) -> Key {
    (
        owned.execution.0,
        i64::from(owned.run.0),
        i64::from(step.0),
        i64::from(attempt),
    )
}

/// Keys as the four columns that every statement about attempts begins with.
fn columns(keys: &[Key]) -> [Vec<i64>; 4] {
    [
        keys.iter().map(|key| key.0).collect(),
        keys.iter().map(|key| key.1).collect(),
        keys.iter().map(|key| key.2).collect(),
        keys.iter().map(|key| key.3).collect(),
    ]
}

async fn write_wave(tx: &Tx<'_>, wave: &Wave<'_>, accepted: &mut Vec<usize>) -> Result<(), Fault> {
    let (mut began, mut waits, mut ended) = (Vec::new(), Vec::new(), Vec::new());
    for (key, (_, entry)) in wave {
        match entry {
            Entry::Began(at) => began.push((*key, at.0)),
            Entry::Waits { began, .. } => waits.push((*key, began.0)),
            Entry::Ended(end) => ended.push((*key, *end)),
        }
    }
    let mut taken = Vec::new();
    for (query, entries) in [(sql!("step_begin"), began), (sql!("step_wait"), waits)] {
        if entries.is_empty() {
            continue;
        }
        let (keys, times): (Vec<Key>, Vec<i64>) = entries.into_iter().unzip();
        let [executions, runs, steps, attempts] = &columns(&keys);
        let rows = tx
            .rows(query, &[executions, runs, steps, attempts, &times])
            .await?;
        read_keys(&rows, &mut taken)?;
    }
    if !ended.is_empty() {
        let keys: Vec<Key> = ended.iter().map(|(key, _)| *key).collect();
        let [executions, runs, steps, attempts] = &columns(&keys);
        let number = |of: fn(&StepEnd) -> i64| -> Vec<i64> {
            ended.iter().map(|(_, end)| of(end)).collect()
        };
        let rows = tx
            .rows(
                sql!("step_end"),
                &[
                    executions,
                    runs,
                    steps,
                    attempts,
                    &number(|end| end.state.code()),
                    &number(|end| end.began.0),
                    &number(|end| end.ended.micros_since(end.began)),
                ],
            )
            .await?;
        read_keys(&rows, &mut taken)?;
    }
    let taken: Vec<(&Key, &(usize, Entry<'_>))> = taken
        .iter()
        .filter_map(|key| wave.get_key_value(key))
        .collect();
    accepted.extend(taken.iter().map(|(_, (at, _))| *at));
    write_details(tx, &taken).await?;
    write_logs(tx, &taken).await
}

fn read_keys(rows: &[tokio_postgres::Row], into: &mut Vec<Key>) -> Result<(), Fault> {
    for row in rows {
        into.push((int(row, 0)?, int(row, 1)?, int(row, 2)?, int(row, 3)?));
    }
    Ok(())
}

/// What an attempt has to say, as a row of its own.
#[derive(Default)]
struct Detail {
    failures: i64,
    fallback: bool,
    retry_at: Option<i64>,
    texts: [Option<String>; 5],
}

impl Detail {
    /// Nothing where there is nothing to say.
    fn of(entry: &Entry<'_>) -> Option<Self> {
        match entry {
            Entry::Began(_) => None,
            Entry::Waits {
                until, question, ..
            } => Some(Self {
                retry_at: until.map(|at| at.0),
                texts: [question.map(owned_text), None, None, None, None],
                ..Self::default()
            }),
            Entry::Ended(end) if says_nothing(end) => None,
            Entry::Ended(end) => Some(Self {
                failures: i64::from(end.failures),
                fallback: end.fallback,
                retry_at: end.retry_at.map(|at| at.0),
                texts: [
                    end.reason.as_deref().map(owned_text),
                    end.output.as_ref().map(to_json),
                    list_json(&end.rows),
                    end.error.as_ref().map(to_json),
                    list_json(&end.waits),
                ],
            }),
        }
    }
}

/// Whether an end has nothing in its optional fields.
fn says_nothing(end: &StepEnd) -> bool {
    end.failures == 0
        && !end.fallback
        && end.retry_at.is_none()
        && end.reason.is_none()
        && end.output.is_none()
        && end.rows.is_empty()
        && end.error.is_none()
        && end.waits.is_empty()
}

async fn write_details(tx: &Tx<'_>, accepted: &[(&Key, &(usize, Entry<'_>))]) -> Result<(), Fault> {
    let mut details: Vec<(Key, Detail)> = accepted
        .iter()
        .filter_map(|(key, (_, entry))| Some((**key, Detail::of(entry)?)))
        .collect();
    if details.is_empty() {
        return Ok(());
    }
    details.sort_by_key(|(key, _)| *key);
    let keys: Vec<Key> = details.iter().map(|(key, _)| *key).collect();
    let [executions, runs, steps, attempts] = &columns(&keys);
    let failures: Vec<i64> = details.iter().map(|(_, one)| one.failures).collect();
    let fallbacks: Vec<bool> = details.iter().map(|(_, one)| one.fallback).collect();
    let retries: Vec<Option<i64>> = details.iter().map(|(_, one)| one.retry_at).collect();
    let column = |at: usize| -> Vec<Option<&str>> {
        let texts = details.iter();
        texts.map(|(_, one)| one.texts[at].as_deref()).collect()
    };
    tx.execute(
        sql!("step_detail_write"),
        &[
            executions,
            runs,
            steps,
            attempts,
            &failures,
            &fallbacks,
            &retries,
            &column(0),
            &column(1),
            &column(2),
            &column(3),
            &column(4),
        ],
    )
    .await?;
    Ok(())
}

async fn write_logs(tx: &Tx<'_>, accepted: &[(&Key, &(usize, Entry<'_>))]) -> Result<(), Fault> {
    let mut logs: Vec<(Key, &str)> = accepted
        .iter()
        .filter_map(|(key, (_, entry))| match entry {
            Entry::Ended(end) => Some((**key, end.log.as_deref()?)),
            _ => None,
        })
        .collect();
    if logs.is_empty() {
        return Ok(());
    }
    logs.sort_unstable();
    let (keys, logs): (Vec<Key>, Vec<_>) =
        logs.into_iter().map(|(key, log)| (key, text(log))).unzip();
    let logs: Vec<&str> = logs.iter().map(AsRef::as_ref).collect();
    let [executions, runs, steps, attempts] = &columns(&keys);
    let query = sql!("step_log_write");
    tx.execute(query, &[executions, runs, steps, attempts, &logs])
        .await?;
    Ok(())
}

async fn write_waits(tx: &Tx<'_>, waits: &Waits) -> Result<(), Fault> {
    let executions: Vec<i64> = waits.keys().map(|key| key.0).collect();
    let runs: Vec<i64> = waits.keys().map(|key| key.1).collect();
    let began: Vec<i64> = waits.keys().map(|key| key.2).collect();
    let causes: Vec<&str> = waits.keys().map(|key| key.3).collect();
    let steps: Vec<i64> = waits.keys().map(|key| key.4).collect();
    let micros: Vec<i64> = waits.values().map(|wait| wait.micros).collect();
    let texts = |of: fn(&Wait) -> &Option<String>| -> Vec<Option<&str>> {
        waits.values().map(|wait| of(wait).as_deref()).collect()
    };
    let abouts = texts(|wait| &wait.about);
    let (blockers, locks) = (texts(|wait| &wait.blocker), texts(|wait| &wait.lock));
    let query = sql!("wait_write");
    let values: &[&(dyn tokio_postgres::types::ToSql + Sync)] = &[
        &executions,
        &runs,
        &began,
        &causes,
        &steps,
        &micros,
        &abouts,
        &blockers,
        &locks,
    ];
    tx.execute(query, values).await?;
    Ok(())
}
