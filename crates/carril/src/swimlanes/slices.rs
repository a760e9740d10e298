//! The slices of a lane, packed on as few tracks as hold them without overlap; and the curve of lanes at work. Pure.

use super::Wait;
use carril_model::account::CauseKind;
use carril_model::contract::{AttemptRow, ExecutionRow};
use carril_model::time::Timestamp;
use serde_json::{Map, Value, json};

/// Points of the curve: finer than a screen.
const POINTS: i64 = 2_000;

/// Something that took time in a lane.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slice {
    pub(super) name: String,
    /// `step`, or `wait`.
    pub(super) kind: &'static str,
    /// Microseconds since 1970.
    pub(super) began: i64,
    pub(super) micros: i64,
    pub(super) told: Map<String, Value>,
}

impl Slice {
    /// An attempt; `None` for steps that were never begun or taken over from an earlier run.
    pub(super) fn of(row: &AttemptRow, now: Timestamp) -> Option<Self> {
        if row.attempt == 0 || row.carried_from.is_some() {
            return None;
        }
        let mut told = Map::new();
        told.insert("run".to_owned(), json!(row.run.0));
        told.insert("attempt".to_owned(), json!(row.attempt));
        told.insert("state".to_owned(), json!(row.state.name()));
        if let Some(error) = &row.error {
            told.insert(
                "error".to_owned(),
                json!(format!("{} [{}]", error.message, error.code)),
            );
        }
        for rows in &row.rows {
            told.insert(
                format!("rows of {}", rows.table),
                json!([rows.inserted, rows.updated, rows.deleted]),
            );
        }
        Some(Self {
            name: format!("{}/{}", row.stage, row.step),
            kind: "step",
            began: row.began.0,
            micros: row.ended.unwrap_or(now).micros_since(row.began),
            told,
        })
    }

    /// A wait of at least 10 ms.
    pub(super) fn wait(wait: &Wait) -> Self {
        let mut told = Map::new();
        if let Some(step) = &wait.step {
            told.insert("step".to_owned(), json!(step));
        }
        if let Some(blocker) = &wait.blocker {
            told.insert("blocker".to_owned(), json!(blocker));
        }
        let name = match &wait.about {
            Some(about) => format!("{}: {about}", wait.cause),
            None => wait.cause.clone(),
        };
        Self {
            name,
            kind: "wait",
            began: wait.began,
            micros: wait.micros,
            told,
        }
    }

    /// The time before the first run's first lane, named by what most of it was spent on.
    pub(super) fn queued(row: &ExecutionRow) -> Option<Self> {
        if row.run.0 != 1 {
            return None;
        }
        let spent = |kind: CauseKind| row.account.sums().get(&kind).copied().unwrap_or(0);
        let waits = [
            CauseKind::Queued,
            CauseKind::Key,
            CauseKind::Barrier,
            CauseKind::Paused,
        ];
        let cause = waits.into_iter().max_by_key(|kind| spent(*kind))?;
        let micros = row.started_at?.micros_since(row.launched_at);
        let cause = if spent(cause) == 0 {
            CauseKind::Queued
        } else {
            cause
        };
        (micros > 0).then(|| Self {
            name: cause.name().to_owned(),
            kind: "wait",
            began: row.launched_at.0,
            micros,
            told: Map::new(),
        })
    }

    const fn end(&self) -> i64 {
        self.began + self.micros
    }
}

/// The slices on as few tracks as hold them, each track in order and without overlap.
pub(super) fn packed(mut slices: Vec<Slice>) -> Vec<Vec<Slice>> {
    slices.sort_by_key(|slice| (slice.began, slice.end()));
    let mut tracks: Vec<Vec<Slice>> = Vec::new();
    for slice in slices {
        let is_free =
            |track: &&mut Vec<Slice>| track.last().is_none_or(|last| last.end() <= slice.began);
        match tracks.iter_mut().find(is_free) {
            Some(track) => track.push(slice),
            None => tracks.push(vec![slice]),
        }
    }
    tracks
}

/// How many lanes were at work, at so many points of a process's time.
#[derive(Debug)]
pub(super) struct Curve {
    from: i64,
    each: i64,
    changes: Vec<i64>,
}

impl Curve {
    pub(super) fn new(from: Timestamp, until: Timestamp) -> Self {
        let whole = until.micros_since(from);
        Self {
            from: from.0,
            each: whole / POINTS + 1,
            changes: vec![0; usize::try_from(POINTS + 2).unwrap_or_default()],
        }
    }

    /// A lane that was at work from `began` to `ended`, or still is.
    pub(super) fn add(&mut self, began: Option<Timestamp>, ended: Option<Timestamp>) {
        let Some(began) = began else { return };
        let begin = self.at(began);
        self.changes[begin] += 1;
        if let Some(ended) = ended {
            let end = (self.at(ended) + 1).min(self.changes.len() - 1);
            self.changes[end] -= 1;
        }
    }

    fn at(&self, time: Timestamp) -> usize {
        let point = (time.0 - self.from).max(0) / self.each;
        usize::try_from(point).map_or(0, |point| point.min(self.changes.len() - 2))
    }

    /// Time and number, wherever the number changes.
    pub(super) fn points(&self) -> Vec<(i64, i64)> {
        let mut lanes = 0;
        let mut points = vec![(self.from, self.changes.first().copied().unwrap_or(0))];
        let mut at = self.from;
        for (number, change) in self.changes.iter().enumerate() {
            lanes += change;
            if number > 0 && *change != 0 {
                points.push((at, lanes));
            }
            at += self.each;
        }
        points
    }
}
