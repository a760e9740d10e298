//! Why what is over ended as it did: its outcome, the step and error that decided it, and where the time went.

use super::{ExecutionFacts, NAMED_MAX, Next, ProcessFacts, Told, name};
use crate::why::words::{count, span};
use carril_model::account::{CauseKind, TimeAccount};
use carril_model::contract::{AttemptRow, ExecutionRow, Tally};
use carril_model::id::StepId;
use carril_model::plan::Doubt;
use carril_model::state::{ExecutionState, ProcessState, StepState};
use carril_model::time::Timestamp;
use std::collections::BTreeMap;

const SETTLED: &str = "settled";

/// Why an execution ended as it did.
pub(super) fn execution(facts: &ExecutionFacts<'_>, who: &str) -> Told {
    let row = facts.row;
    let ended = row.ended_at.unwrap_or(row.launched_at);
    let ago = ago(ended, facts.now);
    let sentence = match row.state {
        ExecutionState::Failed => format!("{who} failed {ago}{}", failure(row, facts.attempts)),
        ExecutionState::Skipped => format!("{who} had nothing to do{}", skipped(facts.attempts)),
        ExecutionState::Cancelled => {
            let why = facts.process.reason.as_deref().map_or_else(
                || "by request".to_owned(),
                |reason| format!("because {reason}"),
            );
            format!("{who} was cancelled {ago}, {why}")
        }
        ExecutionState::RolledBack => format!("{who} was rolled back: what it did was removed"),
        _ => format!(
            "{who} succeeded {ago}{}{}",
            spent(&row.account),
            doubts(facts)
        ),
    };
    Told {
        cause: SETTLED,
        since: ended,
        sentence,
        next: None,
    }
}

fn failure(row: &ExecutionRow, attempts: &[AttemptRow]) -> String {
    let at = row.failed_step.as_deref().map_or_else(String::new, |path| {
        let tries = attempts
            .iter()
            .filter(|attempt| format!("{}/{}", attempt.stage, attempt.step) == path)
            .map(|attempt| attempt.attempt)
            .max();
        let tries = tries
            .filter(|tries| *tries > 1)
            .map_or_else(String::new, |tries| format!(" after {tries} tries"));
        format!(" at `{path}`{tries}")
    });
    let why = row.error.as_ref().map_or_else(String::new, |error| {
        let place = error
            .place
            .as_deref()
            .map_or_else(String::new, |place| format!(" ({place})"));
        format!(": {} [{}]{place}", error.message, error.code)
    });
    format!("{at}{why}")
}

/// What did not succeed by itself although the lane went on: each step, and why.
fn doubts(facts: &ExecutionFacts<'_>) -> String {
    let mut last: BTreeMap<StepId, &AttemptRow> = BTreeMap::new();
    for attempt in facts.attempts {
        let path = format!("{}/{}", attempt.stage, attempt.step);
        if let Some(step) = facts.plan.find(&path) {
            let newest = last.entry(step).or_insert(attempt);
            if attempt.attempt >= newest.attempt {
                *newest = attempt;
            }
        }
    }
    let states = last
        .iter()
        .map(|(step, attempt)| (*step, (attempt.state, attempt.fallback)))
        .collect();
    let told = facts.plan.doubts(&states).into_iter().map(|(step, doubt)| {
        let instead = match doubt {
            Doubt::StoodIn(other) => Some(facts.plan.planned(other).path.as_str()),
            Doubt::Value | Doubt::NotCritical => None,
        };
        let why = last
            .get(&step)
            .and_then(|attempt| attempt.error.as_ref())
            .map_or_else(String::new, |error| {
                format!(": {} [{}]", error.message, error.code)
            });
        let path = &facts.plan.planned(step).path;
        format!("; {}{why}", went_on(path, doubt, instead))
    });
    told.collect()
}

/// `` `tell/mail` failed, which is not critical``.
fn went_on(path: &str, doubt: Doubt, instead: Option<&str>) -> String {
    match (doubt, instead) {
        (Doubt::NotCritical, _) => format!("`{path}` failed, which is not critical"),
        (_, Some(other)) => format!("`{path}` failed and `{other}` ran instead"),
        (_, None) => format!("`{path}` failed and its fallback value was taken"),
    }
}

fn doubts_of_process(facts: &ProcessFacts<'_>) -> String {
    let told = facts.doubts.iter().map(|row| {
        let how = went_on(&row.step, row.doubt, row.instead.as_deref());
        format!("; in {} {how}", count(row.executions, "execution"))
    });
    told.collect()
}

fn skipped(attempts: &[AttemptRow]) -> String {
    let reason = attempts
        .iter()
        .filter(|attempt| attempt.state == StepState::Skipped)
        .find_map(|attempt| {
            let reason = attempt.reason.as_deref()?;
            Some(format!(
                ": every step was skipped, `{}/{}` because {reason}",
                attempt.stage, attempt.step
            ))
        });
    reason.unwrap_or_else(|| ": every step was skipped".to_owned())
}

/// Why a process ended as it did.
pub(super) fn process(facts: &ProcessFacts<'_>, who: &str) -> Told {
    let row = facts.row;
    let tally = &row.tally;
    let ended = row.ended_at.unwrap_or(row.launched_at);
    let ago = ago(ended, facts.now);
    let because = row
        .reason
        .as_deref()
        .map_or_else(String::new, |reason| format!(": {reason}"));
    let first = facts.failed.map_or_else(String::new, first_failed);
    let all = count(tally.total, "execution");
    let sentence = match row.state {
        ProcessState::Succeeded => {
            let how_many = if tally.succeeded == tally.total {
                "all".to_owned()
            } else {
                tally.succeeded.to_string()
            };
            let others = others(tally);
            let doubts = doubts_of_process(facts);
            format!("{who} succeeded {ago}: {how_many} of {all} did{others}{doubts}")
        }
        ProcessState::CompletedWithErrors => {
            let others = others(tally);
            format!(
                "{who} ended {ago} with errors: {} of {all} failed{others}{first}{}",
                tally.failed,
                doubts_of_process(facts)
            )
        }
        ProcessState::Failed => format!("{who} failed {ago}{because}{first}"),
        ProcessState::Cancelled => {
            let through = tally.succeeded + tally.failed + tally.skipped;
            format!("{who} was cancelled {ago}{because}; {through} of {all} were through")
        }
        _ => format!("{who} was rolled back: what its {all} did was removed"),
    };
    Told {
        cause: SETTLED,
        since: ended,
        sentence,
        next: facts.failed.map(|failed| Next::Execution(failed.id)),
    }
}

/// What became of those that neither succeeded nor failed.
fn others(tally: &Tally) -> String {
    [
        (tally.skipped, "skipped"),
        (tally.cancelled, "cancelled"),
        (tally.rolled_back, "rolled back"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, what)| format!(", {number} {what}"))
    .collect()
}

fn first_failed(row: &ExecutionRow) -> String {
    let step = row.failed_step.as_deref().unwrap_or("a step");
    let why = row.error.as_ref().map_or_else(String::new, |error| {
        format!(": {} [{}]", error.message, error.code)
    });
    format!(
        "; the first is {} at `{step}`{why}",
        name(row.id, row.entity.as_deref())
    )
}

fn ago(then: Timestamp, now: Timestamp) -> String {
    format!("{} ago", span(now.micros_since(then)))
}

/// Where an execution's time went, the most first.
fn spent(account: &TimeAccount) -> String {
    let mut sums: Vec<(CauseKind, i64)> = account
        .sums()
        .iter()
        .map(|(cause, micros)| (*cause, *micros))
        .collect();
    sums.sort_by_key(|(_, micros)| -micros);
    let words: Vec<String> = sums
        .iter()
        .take(NAMED_MAX)
        .map(|(cause, micros)| format!("{} {cause}", span(*micros)))
        .collect();
    if words.is_empty() {
        String::new()
    } else {
        format!(" ({})", words.join(", "))
    }
}
