//! Why an execution that has a lane is not further: what its steps run or wait for.

use super::{Busy, ExecutionFacts, Next, Told, busiest, locks};
use crate::why::words::{count, span};
use carril_model::account::CauseKind;
use carril_model::breaker::BreakerState;
use carril_model::contract::AttemptRow;
use carril_model::state::StepState;

/// Why an execution in a lane is not further.
pub(super) fn in_a_lane(facts: &ExecutionFacts<'_>, who: &str) -> Told {
    let account = &facts.row.account;
    let cause = account.cause();
    let waited = span(facts.now.micros_since(account.since()));
    let about = cause.about.as_deref().unwrap_or("what it needs");
    let told = |sentence: String, next: Option<Next>| Told {
        cause: cause.kind.name(),
        since: account.since(),
        sentence,
        next,
    };
    match cause.kind {
        CauseKind::Slot => slot(facts, who, about, &waited),
        CauseKind::Rate => told(rate(facts, who, about, &waited), None),
        CauseKind::Breaker => told(breaker(facts, who, about, &waited), None),
        CauseKind::Backoff => backoff(facts, who),
        CauseKind::Store => told(
            format!("{who} waits since {waited} for the journal to acknowledge what it did"),
            None,
        ),
        CauseKind::Pool => pool(facts, who, about, &waited),
        CauseKind::Lock => locks::lock(facts, who, about, &waited),
        CauseKind::OutcomeUnknown => told(
            format!("{who} finds out since {waited} whether its last commit on `{about}` was done"),
            None,
        ),
        CauseKind::Running => {
            let steps = running_step(facts);
            let sentence = if steps.is_empty() {
                format!("{who} runs since {waited} and is between two steps")
            } else {
                format!("{who} runs{steps}")
            };
            told(sentence, None)
        }
        _ => told(
            format!("{who} is in a lane and waits since {waited}: {cause}"),
            None,
        ),
    }
}

fn slot(facts: &ExecutionFacts<'_>, who: &str, about: &str, waited: &str) -> Told {
    let holders: Vec<&Busy> = facts
        .busy
        .iter()
        .filter(|busy| busy.execution != facts.row.id && busy.uses.iter().any(|used| used == about))
        .collect();
    let slots = facts.plan.definition().resources.get(about);
    let slots = slots.and_then(|limits| limits.slots);
    let what = match slots {
        Some(slots) => format!("a slot of `{about}` ({})", count(u64::from(slots), "slot")),
        None => format!("its turn to write to target `{about}`, which takes one writer at a time"),
    };
    let sentence = if holders.is_empty() {
        let shared = shared(facts);
        format!(
            "{who} waits since {waited} for {what}; nobody is seen holding it now, so it is about to go on{shared}"
        )
    } else {
        let held = held_by(&holders);
        let busiest = busiest(&holders, facts.now);
        format!(
            "{who} waits since {waited} for {what}, {held} {busiest}{}",
            shared(facts)
        )
    };
    Told {
        cause: CauseKind::Slot.name(),
        since: facts.row.account.since(),
        sentence,
        next: holders.first().map(|busy| Next::Execution(busy.execution)),
    }
}

/// Which engines may use how many of the slots, where several share them.
fn shared(facts: &ExecutionFacts<'_>) -> String {
    let shares = facts.shares.iter();
    let shares: Vec<String> = shares
        .map(|share| format!("{} may use {}", share.engine, share.slots))
        .collect();
    if shares.is_empty() {
        return String::new();
    }
    format!("; {}", shares.join(", "))
}

const fn held_by(holders: &[&Busy]) -> &'static str {
    if holders.len() == 1 {
        "held by"
    } else {
        "held longest by"
    }
}

fn pool(facts: &ExecutionFacts<'_>, who: &str, about: &str, waited: &str) -> Told {
    let others = facts.busy.iter();
    let holders: Vec<&Busy> = others
        .filter(|busy| busy.execution != facts.row.id)
        .filter(|busy| busy.connected.as_deref() == Some(about))
        .collect();
    let start = format!("{who} waits since {waited} for a connection of target `{about}`");
    let sentence = if holders.is_empty() {
        format!("{start}; nobody is seen holding one now, so it is about to go on")
    } else {
        let (held, busiest) = (held_by(&holders), busiest(&holders, facts.now));
        format!("{start}: all are in use, {held} {busiest}")
    };
    Told {
        cause: CauseKind::Pool.name(),
        since: facts.row.account.since(),
        sentence,
        next: holders.first().map(|busy| Next::Execution(busy.execution)),
    }
}

fn rate(facts: &ExecutionFacts<'_>, who: &str, about: &str, waited: &str) -> String {
    let limits = facts.plan.definition().resources.get(about);
    let rate = limits.and_then(|limits| limits.rate);
    let rate = rate.map_or_else(String::new, |rate| format!(" ({rate})"));
    format!("{who} waits since {waited} for the rate of `{about}`{rate}, which is used up")
}

fn breaker(facts: &ExecutionFacts<'_>, who: &str, about: &str, waited: &str) -> String {
    let found = facts.breakers.iter().find(|row| row.resource == about);
    let start = format!("{who} waits since {waited} for the breaker of `{about}`");
    let Some(row) = found else {
        return format!("{start}, which is about to let it through");
    };
    let reason = row
        .reason
        .as_ref()
        .map_or_else(String::new, |reason| format!(": {reason}"));
    match (row.state, row.until) {
        (BreakerState::Open, _) if row.forced => format!(
            "{start}, which is held open by hand until `carril breaker auto {about}`{reason}"
        ),
        (BreakerState::Open, Some(until)) if until > facts.now => {
            let left = span(until.micros_since(facts.now));
            format!("{start}, which is open for {left} more{reason}")
        }
        (BreakerState::Open, _) => format!("{start}, which is about to be tried again{reason}"),
        (BreakerState::HalfOpen, _) => {
            format!("{start}, which is half open and lets one try at a time through")
        }
        (BreakerState::Closed, _) => format!("{start}, which is closed: it is about to go on"),
    }
}

/// Why the next try has not begun.
pub(super) fn backoff(facts: &ExecutionFacts<'_>, who: &str) -> Told {
    let since = facts.row.account.since();
    let due = facts
        .attempts
        .iter()
        .filter(|attempt| attempt.state == StepState::Failed)
        .filter_map(|attempt| Some((attempt.retry_at?, attempt)));
    let sentence = match due.max_by_key(|(_, attempt)| attempt.began) {
        Some((retry_at, attempt)) => {
            let why = attempt.error.as_ref().map_or_else(
                || "for a reason that was not kept".to_owned(),
                |error| format!("{} [{}]", error.message, error.code),
            );
            let next = attempt.attempt + 1;
            let wait = span(retry_at.micros_since(facts.now));
            let path = format!("{}/{}", attempt.stage, attempt.step);
            let of = facts.plan.find(&path).map_or_else(String::new, |id| {
                format!(" of {}", facts.plan.step(id).retry.attempts)
            });
            format!("{who} pauses before it tries `{path}` again in {wait} (try {next}{of}): {why}")
        }
        None => format!("{who} pauses before its next try"),
    };
    Told {
        cause: CauseKind::Backoff.name(),
        since,
        sentence,
        next: None,
    }
}

/// ` `a/b` since 4 s (try 2)`, for every step that is at work.
pub(super) fn running_step(facts: &ExecutionFacts<'_>) -> String {
    let mut steps: Vec<&AttemptRow> = facts
        .attempts
        .iter()
        .filter(|attempt| attempt.state == StepState::Running)
        .collect();
    steps.sort_by_key(|attempt| attempt.began);
    let words: Vec<String> = steps
        .iter()
        .map(|attempt| {
            let again = if attempt.attempt > 1 {
                format!(" (try {})", attempt.attempt)
            } else {
                String::new()
            };
            format!(
                "`{}/{}` since {}{again}",
                attempt.stage,
                attempt.step,
                span(facts.now.micros_since(attempt.began))
            )
        })
        .collect();
    if words.is_empty() {
        String::new()
    } else {
        format!(" {}", words.join(" and "))
    }
}
