//! Why something is as it is: one true sentence, and the chain behind it.
//!
//! Everything is read from the store, so that it can be asked from any program while the engine runs. What the engine wrote
//! down when it decided to wait is told here, not guessed again; [`decide`] turns it into words, link by link: an execution
//! waits behind another, that one waits for a slot, whose holder runs a step since four seconds.

mod decide;
mod words;

use crate::reader::{EngineSeen, Reader};
use carril_model::account::CauseKind;
use carril_model::contract::{
    AttemptRow, ExecutionFilter, ExecutionRow, Fault, LimitKind, NodeRow, ProcessFilter, ProcessRow,
};
use carril_model::id::{ExecutionId, NodeId, ProcessId};
use carril_model::lock::LockWait;
use carril_model::plan::Plan;
use carril_model::state::{ExecutionState, ProcessState};
use carril_model::time::Timestamp;
use decide::{Ahead, Busy, ExecutionFacts, Next, ProcessFacts, Share, Told};
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// Most links of a chain; a longer one says nothing new.
const LINKS_MAX: usize = 12;
/// Attempts that are looked at for who is busy and who holds what, per process.
const BUSY_MAX: u32 = 100;
/// Unsettled processes that are looked at: slots are shared by all processes of an engine.
const PROCESSES_MAX: u32 = 20;
/// Executions that are looked at for a place in the queue.
const AHEAD_MAX: u32 = 1_000;
/// Executions of one entity among which the unfinished one is looked for.
const RECENT_MAX: u32 = 20;

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An execution or a process; they share their numbers.
    Number(i64),
    /// The newest unfinished execution of an entity, else its newest.
    Entity(String),
}

impl FromStr for Subject {
    type Err = Infallible;

    /// A number is a number; anything else is an entity's key. `entity:123` is an entity whose key is a number.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.strip_prefix("entity:") {
            Some(key) => Self::Entity(key.to_owned()),
            None => text
                .parse()
                .map_or_else(|_| Self::Entity(text.to_owned()), Self::Number),
        })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(out, "number {number}"),
            Self::Entity(key) => write!(out, "entity `{key}`"),
        }
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Why {
    /// One sentence about what was asked for.
    pub sentence: String,
    /// What was asked for, then what it waits for, and so on; the sentence is that of the first.
    pub chain: Vec<Link>,
}

/// One link of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The process that it is about, or belongs to.
    pub process: ProcessId,
    /// The execution that it is about; `None` when it is about the process.
    pub execution: Option<ExecutionId>,
    /// The entity's key.
    pub entity: Option<String>,
    /// Its state's name.
    pub state: &'static str,
    /// Why it is not further: a cause's name, `no_engine`, or `settled`.
    pub cause: &'static str,
    /// Since when that holds.
    pub since: Timestamp,
    /// The sentence.
    pub sentence: String,
    /// Who holds the lock in the target's database that it waits for, where it waits for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<LockWait>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhyError {
    /// There is nothing of that name.
    #[error("the store has no execution or process for {0}; `carril ps` lists what there is")]
    Unknown(Subject),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] Fault),
}

impl WhyError {
    /// `CARnnnn`; its page is `docs/errors/CARnnnn.md`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "CAR0416",
            Self::Store(_) => "CAR0705",
        }
    }
}

/// Tells why something is as it is, as of `now`.
///
/// # Errors
/// [`WhyError::Unknown`] for a subject that is not in the store.
pub async fn why(reader: &Reader, subject: &Subject, now: Timestamp) -> Result<Why, WhyError> {
    let mut next = Some(find(reader, subject).await?);
    let seen = reader.engine();
    let lanes = match &seen {
        EngineSeen::Running(holder) => holder.node.as_ref().and_then(|node| node.lanes),
        EngineSeen::None => None,
    };
    let engines = reader.nodes().await?;
    let asker = Asker {
        reader,
        now,
        engine: seen != EngineSeen::None || !engines.is_empty(),
        engines,
        lanes,
    };
    let mut chain: Vec<Link> = Vec::new();
    let mut seen = HashSet::new();
    while let Some(about) = next.take() {
        // The numbers move while we look; nothing is told twice.
        if chain.len() == LINKS_MAX || !seen.insert(about) {
            break;
        }
        let Some((link, after)) = asker.link(about).await? else {
            break;
        };
        chain.push(link);
        next = after;
    }
    match chain.first() {
        Some(first) => Ok(Why {
            sentence: first.sentence.clone(),
            chain,
        }),
        None => Err(WhyError::Unknown(subject.clone())),
    }
}

async fn find(reader: &Reader, subject: &Subject) -> Result<Next, WhyError> {
    let history = reader.history();
    match subject {
        Subject::Number(number) => Ok(match history.execution(ExecutionId(*number)).await? {
            Some(row) => Next::Execution(row.id),
            None => Next::Process(ProcessId(*number)),
        }),
        Subject::Entity(key) => {
            let rows = history.of_entity(key, RECENT_MAX).await?;
            let unfinished = rows.iter().find(|row| !row.state.is_settled());
            unfinished
                .or(rows.first())
                .map(|row| Next::Execution(row.id))
                .ok_or_else(|| WhyError::Unknown(subject.clone()))
        }
    }
}

struct Asker<'a> {
    reader: &'a Reader,
    now: Timestamp,
    engine: bool,
    /// Those that are at work.
    engines: Vec<NodeRow>,
    /// Lanes that the engine runs at once over all processes, where that is limited.
    lanes: Option<u32>,
}

impl Asker<'_> {
    async fn link(&self, about: Next) -> Result<Option<(Link, Option<Next>)>, Fault> {
        match about {
            Next::Execution(id) => match self.reader.history().execution(id).await? {
                Some(row) => self.execution(row).await,
                None => Ok(None),
            },
            Next::Process(id) => match self.reader.process(id).await? {
                Some(row) => self.process(row).await.map(Some),
                None => Ok(None),
            },
        }
    }

    async fn execution(&self, row: ExecutionRow) -> Result<Option<(Link, Option<Next>)>, Fault> {
        let history = self.reader.history();
        let Some(process) = self.reader.process(row.process).await? else {
            return Ok(None);
        };
        let plan = Plan::new(history.definition_of(row.process).await?);
        let attempts = history.attempts(row.id, Some(row.run)).await?;
        let busy = if row.state.is_settled() {
            Vec::new()
        } else {
            self.busy().await?
        };
        let ahead = self.ahead(&row, &process).await?;
        let able = self.is_able(&process).await?;
        let (breakers, rivals) = if row.state.is_settled() {
            (Vec::new(), Vec::new())
        } else {
            (history.breakers().await?, self.rivals(&process).await?)
        };
        let lock = match row.account.cause().kind {
            CauseKind::Lock if !row.state.is_settled() => history.lock_of(row.id).await?,
            _ => None,
        };
        let shares = self.shares(&row).await?;
        let facts = ExecutionFacts {
            shares: &shares,
            lock: lock.as_ref(),
            ahead,
            now: self.now,
            engine: self.engine,
            able,
            row: &row,
            process: &process,
            plan: &plan,
            attempts: &attempts,
            busy: &busy,
            breakers: &breakers,
            rivals: &rivals,
            lanes: self.lanes,
        };
        let Told {
            cause,
            since,
            sentence,
            next,
        } = decide::execution(&facts);
        let link = Link {
            process: row.process,
            execution: Some(row.id),
            entity: row.entity,
            state: row.state.name(),
            lock: lock
                .filter(|_| cause == CauseKind::Lock.name())
                .map(|row| row.lock),
            cause,
            since,
            sentence,
        };
        Ok(Some((link, next)))
    }

    /// Whether an engine that is at work can run the process; where there is one engine at a time that is not asked.
    async fn is_able(&self, process: &ProcessRow) -> Result<bool, Fault> {
        if process.state.is_settled() {
            return Ok(true);
        }
        let able = self.reader.history().able(process.id).await?;
        Ok(able != Some(0))
    }

    /// Which engines have how many slots of what it waits for, where several share them.
    async fn shares(&self, row: &ExecutionRow) -> Result<Vec<Share>, Fault> {
        let cause = row.account.cause();
        let waits = cause.kind == CauseKind::Slot && row.state == ExecutionState::Running;
        let Some(about) = cause
            .about
            .as_ref()
            .filter(|_| waits && self.engines.len() > 1)
        else {
            return Ok(Vec::new());
        };
        let resources = self.reader.history().resources().await?;
        let found = resources.into_iter().find(|one| one.resource == *about);
        let shares = found.map(|one| one.shares).unwrap_or_default().into_iter();
        let slots = shares.filter(|share| share.kind == LimitKind::Slot && share.granted > 0);
        let named = slots.map(|share| Share {
            engine: words::engine(share.node, &share.command, &share.host),
            slots: share.granted,
        });
        Ok(named.collect())
    }

    /// An engine as people know it, where there are several.
    fn engine_of(&self, node: Option<NodeId>) -> Option<String> {
        let node = node.filter(|_| self.engines.len() > 1)?;
        let known = self.engines.iter().find(|row| row.id == Some(node))?;
        Some(words::engine(node, &known.command, &known.host))
    }

    /// Other processes that run, and their priorities.
    async fn rivals(&self, process: &ProcessRow) -> Result<Vec<(ProcessId, i8)>, Fault> {
        let filter = ProcessFilter {
            states: vec![ProcessState::Running],
            max: PROCESSES_MAX,
            ..ProcessFilter::default()
        };
        let rows = self.reader.history().processes(&filter).await?;
        let others = rows.iter().filter(|row| row.id != process.id);
        Ok(others.map(|row| (row.id, row.priority)).collect())
    }

    /// How many get a lane before this one: lanes go in order of id to those that wait for nothing else.
    async fn ahead(
        &self,
        row: &ExecutionRow,
        process: &ProcessRow,
    ) -> Result<Option<Ahead>, Fault> {
        if row.state != ExecutionState::Pending || row.segment != process.segment {
            return Ok(None);
        }
        let filter = ExecutionFilter {
            states: vec![ExecutionState::Pending],
            max: AHEAD_MAX,
            ..ExecutionFilter::default()
        };
        let rows = self
            .reader
            .history()
            .executions(row.process, &filter)
            .await?;
        let is_whole =
            rows.len() < AHEAD_MAX as usize || rows.iter().any(|other| other.id >= row.id);
        let earlier = rows
            .iter()
            .filter(|other| other.id < row.id && other.behind.is_none() && !other.cancelling)
            .count() as u64;
        Ok(Some(if is_whole {
            Ahead::Exactly(earlier)
        } else {
            Ahead::AtLeast(earlier)
        }))
    }

    async fn process(&self, row: ProcessRow) -> Result<(Link, Option<Next>), Fault> {
        let history = self.reader.history();
        let (mut busy, mut causes, mut doubts) = (Vec::new(), BTreeMap::new(), Vec::new());
        if row.state.is_settled() {
            doubts = history.doubts(row.id).await?;
        } else {
            let plan = Plan::new(history.definition_of(row.id).await?);
            busy = self.busy_in(&row, &plan).await?;
            causes = history.causes(row.id).await?;
        }
        let failed = ExecutionFilter {
            states: vec![ExecutionState::Failed],
            max: 1,
            ..ExecutionFilter::default()
        };
        let failed = history.executions(row.id, &failed).await?.pop();
        let facts = ProcessFacts {
            now: self.now,
            engine: self.engine,
            able: self.is_able(&row).await?,
            row: &row,
            busy: &busy,
            causes: &causes,
            doubts: &doubts,
            failed: failed.as_ref(),
        };
        let Told {
            cause,
            since,
            sentence,
            next,
        } = decide::process(&facts);
        Ok((
            Link {
                process: row.id,
                execution: None,
                entity: None,
                state: row.state.name(),
                cause,
                since,
                sentence,
                lock: None,
            },
            next,
        ))
    }

    /// Who is at work, in every unsettled process, longest first.
    async fn busy(&self) -> Result<Vec<Busy>, Fault> {
        let filter = ProcessFilter {
            states: vec![ProcessState::Running, ProcessState::Paused],
            max: PROCESSES_MAX,
            ..ProcessFilter::default()
        };
        let mut busy = Vec::new();
        for process in self.reader.history().processes(&filter).await? {
            let plan = Plan::new(self.reader.history().definition_of(process.id).await?);
            busy.extend(self.busy_in(&process, &plan).await?);
        }
        busy.sort_by_key(|busy| busy.began);
        Ok(busy)
    }

    async fn busy_in(&self, process: &ProcessRow, plan: &Plan) -> Result<Vec<Busy>, Fault> {
        let history = self.reader.history();
        let mut busy = Vec::new();
        for attempt in history.under_way(process.id, BUSY_MAX).await? {
            let entity = history
                .execution(attempt.execution)
                .await?
                .and_then(|row| row.entity);
            busy.push(Busy {
                process: process.id,
                execution: attempt.execution,
                entity,
                uses: uses(plan, &attempt),
                connected: connected(plan, &attempt),
                engine: self.engine_of(attempt.node),
                path: format!("{}/{}", attempt.stage, attempt.step),
                attempt: attempt.attempt,
                began: attempt.began,
            });
        }
        Ok(busy)
    }
}

/// The target to which an attempt has a connection.
fn connected(plan: &Plan, attempt: &AttemptRow) -> Option<String> {
    let id = plan.find(&format!("{}/{}", attempt.stage, attempt.step))?;
    plan.target_of(id).map(str::to_owned)
}

/// What an attempt holds, as causes name it: its named resources, and the target whose shared part it writes.
fn uses(plan: &Plan, attempt: &AttemptRow) -> Vec<String> {
    let Some(id) = plan.find(&format!("{}/{}", attempt.stage, attempt.step)) else {
        return Vec::new();
    };
    let mut uses = plan.step(id).resources.clone();
    uses.extend(plan.shared_target(id).map(str::to_owned));
    uses
}

#[cfg(test)]
mod tests;
