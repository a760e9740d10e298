//! Why a process is as it is: how far it is, what holds all of it, or how it ended. What single executions wait for is told
//! by their own links.

use super::{Busy, Next, ProcessFacts, Told, busiest, lanes_of, settled, unable};
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
    held(facts, &who).unwrap_or_else(|| at_work(facts, &who))
}

/// What keeps all of it from going on, if anything does.
fn held(facts: &ProcessFacts<'_>, who: &str) -> Option<Told> {
    let row = facts.row;
    let done = done(facts);
    let (cause, sentence, next) = if row.state == ProcessState::Paused && row.cancelling.is_none() {
        // Nobody goes on with it before it is resumed, be there an engine or not.
        let sentence = format!(
            "{who} is paused ({done}); nothing of it begins until somebody resumes it: `carril resume {}`",
            row.id
        );
        (CauseKind::Paused.name(), sentence, None)
    } else if !facts.engine {
        let sentence = format!(
            "{who} is unfinished ({done}) and no engine has the store open, so nothing of it moves; `carril run` goes on with it"
        );
        ("no_engine", sentence, None)
    } else if !facts.able {
        let sentence = format!("{who} is unfinished ({done}): {}", unable(row));
        (CauseKind::NoNode.name(), sentence, None)
    } else if row.cancelling.is_some() {
        let why = row
            .reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(" ({reason})"));
        let left = count(row.open, "execution");
        (
            CauseKind::Running.name(),
            format!("{who} is being stopped{why}: {left} left"),
            longest(facts),
        )
    } else {
        let after = row
            .after
            .filter(|_| facts.busy.is_empty() && row.tally.settled() == 0)?;
        let sentence = format!(
            "{who} waits until process {after}, of the same pipeline and parameters, has ended"
        );
        (
            CauseKind::Queued.name(),
            sentence,
            Some(Next::Process(after)),
        )
    };
    Some(Told {
        cause,
        since: row.launched_at,
        sentence,
        next,
    })
}

fn at_work(facts: &ProcessFacts<'_>, who: &str) -> Told {
    let row = facts.row;
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
    let slowest = match lanes.first() {
        Some(_) => format!("; longest at work is {}", busiest(&lanes[..1], facts.now)),
        None => String::new(),
    };
    let lasts = span(facts.now.micros_since(row.launched_at));
    let sentence = format!("{who} runs since {lasts}: {}{waits}{slowest}", done(facts));
    Told {
        cause: CauseKind::Running.name(),
        since: row.launched_at,
        sentence,
        next: longest(facts),
    }
}

fn done(facts: &ProcessFacts<'_>) -> String {
    format!(
        "{} of {} executions are through",
        facts.row.tally.settled(),
        facts.row.tally.total
    )
}

fn longest(facts: &ProcessFacts<'_>) -> Option<Next> {
    facts
        .busy
        .first()
        .map(|busy| Next::Execution(busy.execution))
}
