//! Why an execution is parked in the middle of its work: for a time, a signal, a person; and the command that ends it.

use super::{ExecutionFacts, Told, lane};
use crate::why::words::span;
use carril_model::account::CauseKind;
use carril_model::contract::AttemptRow;
use carril_model::moment;
use carril_model::state::StepState;

/// Why an execution is parked in the middle of its segment.
pub(super) fn parked(facts: &ExecutionFacts<'_>, who: &str) -> Told {
    let account = &facts.row.account;
    let cause = account.cause();
    let id = facts.row.id;
    let about = cause.about.as_deref().unwrap_or_default();
    let step = waiting_step(facts);
    let at = step.map_or_else(String::new, |step| {
        format!(" at `{}/{}`", step.stage, step.step)
    });
    let waited = span(facts.now.micros_since(account.since()));
    let until = step.and_then(|step| step.retry_at);
    let sentence = match cause.kind {
        CauseKind::Timer => {
            let until = until.map_or_else(
                || "its time".to_owned(),
                |until| {
                    let left = span(until.micros_since(facts.now));
                    format!("{}, in {left}", moment::to_text(until))
                },
            );
            format!(
                "{who} waits{at} until {until}; it needs no lane for that, and `carril cancel {id}` ends it sooner"
            )
        }
        CauseKind::Signal => format!(
            "{who} waits since {waited}{at} for signal `{about}`{}; `carril signal {id} {about}` sends it",
            at_most(facts, until)
        ),
        CauseKind::Approval => {
            let question = step.and_then(|step| step.reason.as_deref());
            let question = question.map_or_else(String::new, |text| format!(": {text:?}"));
            format!(
                "{who} waits since {waited} for somebody to approve `{about}`{question}{}; `carril approve {id}` or `carril reject {id}` answers it",
                at_most(facts, until)
            )
        }
        CauseKind::Backoff => return lane::backoff(facts, who),
        _ => format!("{who} is parked since {waited}: {cause}"),
    };
    Told {
        cause: cause.kind.name(),
        since: account.since(),
        sentence,
        next: None,
    }
}

fn at_most(facts: &ExecutionFacts<'_>, until: Option<carril_model::time::Timestamp>) -> String {
    until.map_or_else(String::new, |until| {
        format!(", for {} at most", span(until.micros_since(facts.now)))
    })
}

/// The step that waits for what the execution is charged for: the first that does.
fn waiting_step<'a>(facts: &ExecutionFacts<'a>) -> Option<&'a AttemptRow> {
    let mut waiting = facts
        .attempts
        .iter()
        .filter(|attempt| attempt.state == StepState::Waiting);
    waiting.next()
}
