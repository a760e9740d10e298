//! What the facts about an execution or a process mean, in words, and who it waits for. No look-ups happen here.

mod lane;
mod locks;
mod process;
mod settled;
mod waits;

pub(super) use process::process;

use super::words::{are, count, span};
use carril_model::account::CauseKind;
use carril_model::breaker::BreakerRow;
use carril_model::contract::{AttemptRow, DoubtRow, ExecutionRow, LockRow, ProcessRow};
use carril_model::definition::Scope;
use carril_model::id::{ExecutionId, ProcessId};
use carril_model::plan::Plan;
use carril_model::state::{ExecutionState, ProcessState};
use carril_model::time::Timestamp;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Busy lanes that a sentence names; a reader remembers no more.
const NAMED_MAX: usize = 3;

/// Who or what is told about next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Next {
    Execution(ExecutionId),
    Process(ProcessId),
}

/// One link, decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) cause: &'static str,
    pub(super) since: Timestamp,
    pub(super) sentence: String,
    pub(super) next: Option<Next>,
}

/// An attempt that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Busy {
    pub(super) process: ProcessId,
    pub(super) execution: ExecutionId,
    pub(super) entity: Option<String>,
    /// The resources and the target that it holds.
    pub(super) uses: Vec<String>,
    /// The target that it has a connection to.
    pub(super) connected: Option<String>,
    /// Whose lane it is in, where several engines are at work.
    pub(super) engine: Option<String>,
    /// `stage/step`.
    pub(super) path: String,
    pub(super) attempt: u32,
    pub(super) began: Timestamp,
}

/// What an engine has of a resource that several share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) engine: String,
    pub(super) slots: u32,
}

/// How many executions come before one in the queue for lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ahead {
    /// So many.
    Exactly(u64),
    /// So many were looked at, and there are more.
    AtLeast(u64),
}

/// All that is known about an execution.
pub(super) struct ExecutionFacts<'a> {
    pub(super) now: Timestamp,
    /// Whether an engine has the store.
    pub(super) engine: bool,
    /// Whether one that has it can run the process.
    pub(super) able: bool,
    pub(super) row: &'a ExecutionRow,
    pub(super) process: &'a ProcessRow,
    pub(super) plan: &'a Plan,
    /// Those of the present run.
    pub(super) attempts: &'a [AttemptRow],
    /// Executions of its process that get a lane before it, where that is known.
    pub(super) ahead: Option<Ahead>,
    /// In every unsettled process, longest first.
    pub(super) busy: &'a [Busy],
    /// Every breaker that was ever kept.
    pub(super) breakers: &'a [BreakerRow],
    /// Other processes that run, with their priorities.
    pub(super) rivals: &'a [(ProcessId, i8)],
    /// Lanes that the engine runs at once over all processes, where that is limited.
    pub(super) lanes: Option<u32>,
    /// The lock that it waits for, where it is charged to one.
    pub(super) lock: Option<&'a LockRow>,
    /// Of the resource whose slot it waits for, where several engines share it.
    pub(super) shares: &'a [Share],
}

/// All that is known about a process.
pub(super) struct ProcessFacts<'a> {
    pub(super) now: Timestamp,
    /// Whether an engine has the store.
    pub(super) engine: bool,
    /// Whether one that has it can run the process.
    pub(super) able: bool,
    pub(super) row: &'a ProcessRow,
    /// In this process, longest first.
    pub(super) busy: &'a [Busy],
    /// Unsettled executions by cause.
    pub(super) causes: &'a BTreeMap<CauseKind, u64>,
    /// Steps that failed although their lanes went on; of a settled process.
    pub(super) doubts: &'a [DoubtRow],
    /// One that failed.
    pub(super) failed: Option<&'a ExecutionRow>,
}

/// `execution 12 (F003)`.
fn name(id: ExecutionId, entity: Option<&str>) -> String {
    match entity {
        Some(entity) => format!("execution {id} ({entity})"),
        None => format!("execution {id} (the process's own)"),
    }
}

/// Why an execution is as it is.
pub(super) fn execution(facts: &ExecutionFacts<'_>) -> Told {
    let row = facts.row;
    let who = name(row.id, row.entity.as_deref());
    if row.state.is_settled() && !row.rolling_back {
        return settled::execution(facts, &who);
    }
    if let Some((cause, sentence)) = stopped(facts, &who) {
        return Told {
            cause,
            since: row.account.since(),
            sentence,
            next: None,
        };
    }
    match row.state {
        ExecutionState::Running => lane::in_a_lane(facts, &who),
        ExecutionState::Waiting => parked(facts, &who),
        _ => pending(facts, &who),
    }
}

/// What a process lacks that no engine at work can run.
fn unable(process: &ProcessRow) -> String {
    format!(
        "none of those at work can run version {:.8} of `{}`; start one that registers its functions and reaches its targets",
        process.version, process.pipeline
    )
}

/// What goes before all waiting: its effects are being removed, nobody runs it, or it was asked to stop.
fn stopped(facts: &ExecutionFacts<'_>, who: &str) -> Option<(&'static str, String)> {
    let row = facts.row;
    if row.rolling_back {
        let sentence = if facts.engine {
            format!("{who} is being rolled back: what it did is being removed")
        } else {
            format!(
                "{who} was being rolled back when its engine went away; the next engine goes on with that"
            )
        };
        return Some((CauseKind::RollingBack.name(), sentence));
    }
    if !facts.engine {
        let (state, process) = (row.state, facts.process.id);
        let go_on = if facts.process.state == ProcessState::Paused {
            format!("its process is paused, and `carril resume {process}` goes on with it")
        } else {
            "`carril run` goes on with it".to_owned()
        };
        let sentence = format!(
            "{who} is {state} and no engine has the store open, so nothing of it moves; {go_on}"
        );
        return Some(("no_engine", sentence));
    }
    if !facts.able && row.state == ExecutionState::Pending && row.behind.is_none() {
        let sentence = format!("{who} waits for an engine: {}", unable(facts.process));
        return Some((CauseKind::NoNode.name(), sentence));
    }
    let process_stops = facts.process.cancelling.is_some() && row.state == ExecutionState::Running;
    (row.cancelling || process_stops).then(|| {
        let step = lane::running_step(facts);
        let sentence = if step.is_empty() {
            format!("{who} was asked to stop and is about to")
        } else {
            format!("{who} was asked to stop and still runs{step}")
        };
        (row.account.cause().kind.name(), sentence)
    })
}

fn pending(facts: &ExecutionFacts<'_>, who: &str) -> Told {
    let (row, process) = (facts.row, facts.process);
    let account = &row.account;
    if let Some(behind) = row.behind {
        let sentence = format!(
            "{who} waits for execution {behind}, which was launched earlier with the same lane key"
        );
        return Told {
            cause: CauseKind::Key.name(),
            since: account.since(),
            sentence,
            next: Some(Next::Execution(behind)),
        };
    }
    if process.state == ProcessState::Paused {
        let id = process.id;
        let sentence = format!(
            "{who} waits because process {id} is paused; `carril resume {id}` goes on with it"
        );
        return Told {
            cause: CauseKind::Paused.name(),
            since: account.since(),
            sentence,
            next: None,
        };
    }
    if let Some(after) = process.after {
        let sentence = format!(
            "{who} waits until process {after}, of the same pipeline and parameters, has ended"
        );
        return Told {
            cause: CauseKind::Queued.name(),
            since: account.since(),
            sentence,
            next: Some(Next::Process(after)),
        };
    }
    if account.cause().kind == CauseKind::Recovering {
        let sentence = format!(
            "{who} was running when its engine went away, and waits for a lane of the new one"
        );
        return Told {
            cause: CauseKind::Recovering.name(),
            since: account.since(),
            sentence,
            next: None,
        };
    }
    queued(facts, who)
}

fn queued(facts: &ExecutionFacts<'_>, who: &str) -> Told {
    let process = facts.process;
    let own: Vec<&Busy> = facts
        .busy
        .iter()
        .filter(|busy| busy.process == process.id)
        .collect();
    let lanes = lanes_of(&own);
    let waited = span(facts.now.micros_since(facts.row.account.since()));
    let told = |sentence: String, next: Option<Next>| Told {
        cause: CauseKind::Queued.name(),
        since: facts.row.account.since(),
        sentence,
        next,
    };
    if lanes.len() < process.lanes as usize {
        let (behind, next) = behind(facts);
        let sentence = format!(
            "{who} waits for a lane since {waited}; {} of {} {} at a step{}{}{behind}",
            lanes.len(),
            process.lanes,
            are(lanes.len() as u64),
            position(facts.ahead),
            limited(facts.lanes)
        );
        return told(sentence, next);
    }
    let sentence = format!(
        "{who} waits for a free lane since {waited}: {} of {} are busy, the longest with {}{}",
        lanes.len(),
        process.lanes,
        busiest(&lanes, facts.now),
        position(facts.ahead)
    );
    told(
        sentence,
        lanes.first().map(|busy| Next::Execution(busy.execution)),
    )
}

/// The process that comes first where the engine's lanes are limited: of those at work the one with the highest priority, if
/// that is not lower than its own.
fn behind(facts: &ExecutionFacts<'_>) -> (String, Option<Next>) {
    let at_work = |process: &ProcessId| {
        let of_it = |busy: &&Busy| busy.process == *process;
        facts.busy.iter().filter(of_it).count() as u64
    };
    let own = facts.process.priority;
    let rivals = facts
        .rivals
        .iter()
        .filter(|(id, priority)| *priority >= own && at_work(id) > 0);
    let Some((id, priority)) = rivals.max_by_key(|(id, priority)| (*priority, Reverse(*id))) else {
        return (String::new(), None);
    };
    let busy = count(at_work(id), "lane");
    let how = if *priority > own {
        "comes before it"
    } else {
        "takes turns with it"
    };
    let when = match facts.lanes {
        Some(_) => "when all of them are taken",
        None => "where the engine's lanes are all taken",
    };
    let text = format!("; {when}, process {id} (priority {priority}, {busy} at work) {how}");
    (text, Some(Next::Process(*id)))
}

/// The limit of the engine itself, where it has one: a process may never get as many lanes as it may have.
fn limited(lanes: Option<u32>) -> String {
    lanes.map_or_else(String::new, |lanes| {
        format!(
            "; its engine runs {} at once over all processes (`[engine] lanes`)",
            count(u64::from(lanes), "lane")
        )
    })
}

/// Its place in the queue; nothing where that is not known.
fn position(ahead: Option<Ahead>) -> String {
    match ahead {
        None => String::new(),
        Some(Ahead::Exactly(0)) => "; it is next in the queue".to_owned(),
        Some(Ahead::Exactly(others)) => format!(
            "; {} {} before it in the queue",
            count(others, "other"),
            are(others)
        ),
        Some(Ahead::AtLeast(others)) => {
            format!("; more than {others} others are before it in the queue")
        }
    }
}

/// One attempt per lane, longest first.
fn lanes_of<'a>(busy: &[&'a Busy]) -> Vec<&'a Busy> {
    let mut lanes: Vec<&Busy> = Vec::new();
    for attempt in busy {
        if !lanes.iter().any(|lane| lane.execution == attempt.execution) {
            lanes.push(attempt);
        }
    }
    lanes
}

fn busiest(lanes: &[&Busy], now: Timestamp) -> String {
    let named: Vec<String> = lanes
        .iter()
        .take(NAMED_MAX)
        .map(|busy| {
            let on = busy.engine.as_ref();
            format!(
                "{} (`{}` since {}{})",
                busy.entity.as_deref().unwrap_or("the process itself"),
                busy.path,
                span(now.micros_since(busy.began)),
                on.map_or_else(String::new, |engine| format!(", on {engine}"))
            )
        })
        .collect();
    named.join(", ")
}

fn parked(facts: &ExecutionFacts<'_>, who: &str) -> Told {
    let (row, process) = (facts.row, facts.process);
    let account = &row.account;
    let told = |sentence: String, next: Option<Next>| Told {
        cause: account.cause().kind.name(),
        since: account.since(),
        sentence,
        next,
    };
    if account.cause().kind != CauseKind::Barrier {
        return waits::parked(facts, who);
    }
    let segment = facts.plan.segments().get(process.segment as usize);
    let stages: Vec<&str> = segment
        .map(|segment| {
            facts.plan.definition().stages[segment.stages.clone()]
                .iter()
                .map(|stage| stage.name.as_str())
                .collect()
        })
        .unwrap_or_default();
    let stages = stages.join("`, `");
    let at_work: Vec<&Busy> = facts
        .busy
        .iter()
        .filter(|busy| busy.process == process.id)
        .collect();
    let at_work = lanes_of(&at_work);
    let next = at_work.first().map(|busy| Next::Execution(busy.execution));
    let longest = if at_work.is_empty() {
        String::new()
    } else {
        format!("; longest at work is {}", busiest(&at_work[..1], facts.now))
    };
    if segment.is_some_and(|segment| segment.scope == Scope::Process) {
        return told(
            format!("{who} waits for the stages that run once, `{stages}`{longest}"),
            process.own.map(Next::Execution).or(next),
        );
    }
    let left = count(process.open, "lane");
    told(
        format!(
            "{who} has done its part and waits until {left} more {} through `{stages}`{longest}",
            if process.open == 1 { "is" } else { "are" }
        ),
        next,
    )
}

#[cfg(test)]
mod tests;
