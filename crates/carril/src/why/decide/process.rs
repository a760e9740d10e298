//! Why a process is as it is.

use super::{Busy, Next, ProcessFacts, Told, busiest, lanes_of, settled};
use crate::why::words::{count, span};
use carril_model::account::CauseKind;
use carril_model::state::ProcessState;

/// Why a process is as it is.
pub(in crate::why) fn process(facts: &ProcessFacts<'_>) -> Told {
    let row = facts.row;
    let who = format!("process {} ({})", row.id, row.pipeline);
    if row.state.is_settled() {
        return settled::process(facts, &who);
    }
    let told = |cause: &'static str, sentence: String, next: Option<Next>| Told {
        cause,
        since: row.launched_at,
        sentence,
        next,
    };
    let done = format!(
        "{} of {} executions are through",
        row.tally.settled(),
        row.tally.total
    );
    if !facts.engine {
        return told(
            "no_engine",
            format!(
                "{who} is unfinished ({done}) and no engine has the store open, so nothing of it moves; `carril run` goes on with it"
            ),
            None,
        );
    }
    if row.state == ProcessState::Paused {
        return told(
            CauseKind::Paused.name(),
            format!("{who} is paused ({done}); no lane of it starts until somebody resumes it"),
            None,
        );
    }
    if row.cancelling.is_some() {
        let why = row
            .reason
            .as_deref()
            .map_or_else(String::new, |reason| format!(" ({reason})"));
        return told(
            CauseKind::Running.name(),
            format!(
                "{who} is being stopped{why}: {} left",
                count(row.open, "execution")
            ),
            longest(facts),
        );
    }
    if let Some(after) = row.after
        && facts.busy.is_empty()
        && row.tally.settled() == 0
    {
        return told(
            CauseKind::Queued.name(),
            format!(
                "{who} waits until process {after}, of the same pipeline and parameters, has ended"
            ),
            Some(Next::Process(after)),
        );
    }
    let waits: Vec<String> = facts
        .causes
        .iter()
        .filter(|(_, number)| **number > 0)
        .map(|(cause, number)| format!("{number} {cause}"))
        .collect();
    let waits = if waits.is_empty() {
        String::new()
    } else {
        format!("; of the others {}", waits.join(", "))
    };
    let busy: Vec<&Busy> = facts.busy.iter().collect();
    let lanes = lanes_of(&busy);
    let longest_words = if lanes.is_empty() {
        String::new()
    } else {
        format!("; longest at work is {}", busiest(&lanes[..1], facts.now))
    };
    told(
        CauseKind::Running.name(),
        format!(
            "{who} runs since {}: {done}{waits}{longest_words}",
            span(facts.now.micros_since(row.launched_at))
        ),
        longest(facts),
    )
}

fn longest(facts: &ProcessFacts<'_>) -> Option<Next> {
    facts
        .busy
        .first()
        .map(|busy| Next::Execution(busy.execution))
}
