//! What `carril top` shows, as data: read from the store in a few bounded questions, and compared with the look before it.

use crate::context::Reading;
use crate::failure::Failure;
use crate::found;
use carril::model::account::CauseKind;
use carril::model::contract::{
    AttemptRow, ExecutionFilter, ExecutionRow, History, ProcessFilter, ProcessRow,
};
use carril::model::definition::Definition;
use carril::model::id::{ExecutionId, ProcessId};
use carril::model::state::{ExecutionState, ProcessState};
use carril::model::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};

/// Processes that are listed.
const PROCESSES: u32 = 20;
/// Lanes that are looked at.
const LANES: u32 = 300;
/// Failed executions among which the last are looked for.
const FAILED: u32 = 500;
/// Failures that are kept for the picture.
const FAILURES: usize = 5;
/// Events that are remembered.
const EVENTS: usize = 20;

/// One look.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    pub(super) now: Timestamp,
    pub(super) engine: String,
    /// Unfinished first, each with the microseconds that it took.
    pub(super) processes: Vec<(ProcessRow, i64)>,
    /// Which of them the rest is about.
    pub(super) at: usize,
    pub(super) causes: Vec<(CauseKind, u64)>,
    /// Whether the number of its lanes is found out.
    pub(super) auto: bool,
    pub(super) lanes: Vec<Lane>,
    /// Newest first.
    pub(super) failures: Vec<ExecutionRow>,
    /// Newest first.
    pub(super) events: Vec<(Timestamp, String)>,
}

/// One lane that has not settled.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    pub(super) id: ExecutionId,
    pub(super) entity: String,
    /// Its step, or what it waits for and who has it.
    pub(super) doing: String,
    pub(super) cause: CauseKind,
    /// How long it has been at that.
    pub(super) micros: i64,
    /// How long since its first lane, once it had one.
    pub(super) took: Option<i64>,
}

impl Picture {
    pub(super) fn selected(&self) -> Option<&ProcessRow> {
        self.processes.get(self.at).map(|(row, _)| row)
    }
}

/// Looks again and again, and remembers what it needs for that.
pub(super) struct Look {
    /// Only this process.
    only: Option<ProcessId>,
    chosen: Option<ProcessId>,
    definition: Option<(ProcessId, Definition)>,
    /// Entity and step of each attempt that was under way at the last look.
    steps: BTreeMap<ExecutionId, (String, String)>,
    events: VecDeque<(Timestamp, String)>,
    began: bool,
}

impl Look {
    pub(super) const fn new(only: Option<ProcessId>) -> Self {
        Self {
            only,
            chosen: only,
            definition: None,
            steps: BTreeMap::new(),
            events: VecDeque::new(),
            began: false,
        }
    }

    /// The next look is about the process after the one of this picture.
    pub(super) fn next(&mut self, picture: &Picture) {
        let next = (picture.at + 1) % picture.processes.len().max(1);
        self.chosen = picture.processes.get(next).map(|(row, _)| row.id);
        (self.began, self.definition) = (false, None);
        self.steps.clear();
        self.events.clear();
    }

    /// Looks.
    ///
    /// # Errors
    /// As the store.
    pub(super) async fn read(
        &mut self,
        reader: &Reading,
        now: Timestamp,
    ) -> Result<Picture, Failure> {
        let history = reader.history();
        let processes = self.processes(history, now).await?;
        let at = processes
            .iter()
            .position(|(row, _)| Some(row.id) == self.chosen);
        let at = at.unwrap_or(0);
        let engine = found::at_work(reader).await?;
        let engine = engine.unwrap_or_else(|| "no engine at work".to_owned());
        let mut picture = Picture {
            now,
            engine,
            processes,
            at,
            causes: Vec::new(),
            auto: false,
            lanes: Vec::new(),
            failures: Vec::new(),
            events: Vec::new(),
        };
        let Some(process) = picture.selected().map(|row| row.id) else {
            return Ok(picture);
        };
        picture.auto = !history.lanes(process, 1).await?.is_empty();
        picture.causes = history.causes(process).await?.into_iter().collect();
        picture
            .causes
            .sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let busy = history.under_way(process, LANES).await?;
        picture.lanes = self.lanes(history, process, &busy, now).await?;
        picture.failures = failures(history, process).await?;
        let names = picture
            .lanes
            .iter()
            .map(|lane| (lane.id, lane.entity.clone()));
        self.notice(&busy, names, now);
        picture.events = self.events.iter().cloned().collect();
        Ok(picture)
    }

    async fn processes(
        &self,
        history: &dyn History,
        now: Timestamp,
    ) -> Result<Vec<(ProcessRow, i64)>, Failure> {
        let rows = match self.only {
            Some(id) => vec![found::known_process(history, id).await?],
            None => {
                let mut filter = ProcessFilter {
                    states: vec![ProcessState::Running, ProcessState::Paused],
                    max: PROCESSES,
                    ..ProcessFilter::default()
                };
                let mut rows = history.processes(&filter).await?;
                filter.states.clear();
                let newest = history.processes(&filter).await?;
                let settled = newest.into_iter().filter(|row| row.state.is_settled());
                rows.extend(settled.take((PROCESSES as usize).saturating_sub(rows.len()).min(3)));
                rows
            }
        };
        found::with_worked(history, rows, now).await
    }

    async fn lanes(
        &mut self,
        history: &dyn History,
        process: ProcessId,
        busy: &[AttemptRow],
        now: Timestamp,
    ) -> Result<Vec<Lane>, Failure> {
        if self
            .definition
            .as_ref()
            .is_none_or(|(of, _)| *of != process)
        {
            self.definition = Some((process, history.definition_of(process).await?));
        }
        let definition = self.definition.as_ref().map(|(_, definition)| definition);
        let mut rows = Vec::new();
        for state in [
            ExecutionState::Running,
            ExecutionState::Waiting,
            ExecutionState::Pending,
        ] {
            let filter = ExecutionFilter {
                states: vec![state],
                max: LANES - u32::try_from(rows.len()).unwrap_or(LANES),
                ..ExecutionFilter::default()
            };
            if filter.max > 0 {
                rows.extend(history.executions(process, &filter).await?);
            }
        }
        let names: BTreeMap<ExecutionId, String> =
            rows.iter().map(|row| (row.id, name(row))).collect();
        let lane = |row: &ExecutionRow| Lane {
            id: row.id,
            entity: name(row),
            doing: doing(row, busy, definition, &names),
            cause: row.account.cause().kind,
            micros: now.micros_since(row.account.since()),
            took: row.started_at.map(|started| now.micros_since(started)),
        };
        Ok(rows.iter().map(lane).collect())
    }

    /// What has changed since the look before.
    fn notice(
        &mut self,
        busy: &[AttemptRow],
        names: impl Iterator<Item = (ExecutionId, String)>,
        now: Timestamp,
    ) {
        let names: BTreeMap<ExecutionId, String> = names.collect();
        let called = |id: ExecutionId| names.get(&id).cloned().unwrap_or_else(|| id.to_string());
        let mut steps = BTreeMap::new();
        for row in busy {
            let step = format!("{}/{}", row.stage, row.step);
            let before = self.steps.get(&row.execution).map(|(_, step)| step);
            if self.began && before != Some(&step) {
                let text = format!("{} began {step}", called(row.execution));
                self.events.push_front((row.began, text));
            }
            steps.insert(row.execution, (called(row.execution), step));
        }
        for (execution, (entity, step)) in &self.steps {
            if self.began && !steps.contains_key(execution) {
                self.events
                    .push_front((now, format!("{entity} left {step}")));
            }
        }
        self.events.truncate(EVENTS);
        (self.began, self.steps) = (true, steps);
    }
}

fn name(row: &ExecutionRow) -> String {
    row.entity.clone().unwrap_or_else(|| "(process)".to_owned())
}

async fn failures(history: &dyn History, process: ProcessId) -> Result<Vec<ExecutionRow>, Failure> {
    let filter = ExecutionFilter {
        states: vec![ExecutionState::Failed],
        max: FAILED,
        ..ExecutionFilter::default()
    };
    let mut rows = history.executions(process, &filter).await?;
    rows.sort_by_key(|row| std::cmp::Reverse(row.ended_at));
    rows.truncate(FAILURES);
    Ok(rows)
}

/// What a lane is at: its step, or what it waits for and who has that.
pub(super) fn doing(
    row: &ExecutionRow,
    busy: &[AttemptRow],
    definition: Option<&Definition>,
    names: &BTreeMap<ExecutionId, String>,
) -> String {
    let cause = row.account.cause();
    let called = |id: ExecutionId| names.get(&id).cloned().unwrap_or_else(|| id.to_string());
    if cause.kind == CauseKind::Running {
        let at = busy.iter().find(|attempt| attempt.execution == row.id);
        return at.map_or_else(
            || "between two steps".to_owned(),
            |attempt| format!("{}/{}", attempt.stage, attempt.step),
        );
    }
    if let Some(behind) = row.behind {
        return format!("{cause}, behind {}", called(behind));
    }
    let Some(about) = &cause.about else {
        return cause.to_string();
    };
    let uses = |attempt: &&AttemptRow| {
        attempt.execution != row.id
            && definition.is_some_and(|definition| {
                let mut stages = definition
                    .stages
                    .iter()
                    .filter(|stage| stage.name == attempt.stage);
                stages.any(|stage| {
                    stage
                        .steps
                        .iter()
                        .any(|step| step.name == attempt.step && step.resources.contains(about))
                })
            })
    };
    let holders: Vec<String> = busy
        .iter()
        .filter(uses)
        .map(|attempt| called(attempt.execution))
        .collect();
    match holders.split_first() {
        None => cause.to_string(),
        Some((first, [])) => format!("{cause}, held by {first}"),
        Some((first, others)) => format!("{cause}, held by {first} and {} more", others.len()),
    }
}
