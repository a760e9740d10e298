//! Steps that wait: for how long, for what, and what makes no sense beside it.

use super::Check;
use super::references::Where;
use crate::definition::wait::{QUESTION_BYTES_MAX, WAIT_MAX, signal_name_problem};
use crate::definition::{Step, Wait, WaitFor};
use std::time::Duration;

impl Check<'_> {
    pub(super) fn wait(&mut self, at: Where, path: &str, step: &Step, wait: &Wait) {
        let kind = wait.kind();
        let own = format!("{path}/{kind}");
        self.needless(path, step, wait);
        if let Some(longest) = wait.longest {
            self.span(&format!("{path}/timeout"), "timeout", longest);
        }
        match &wait.until {
            WaitFor::Span(span) => self.span(&own, kind, *span),
            WaitFor::Moment(expression) => self.expression(at, &own, expression),
            WaitFor::Signal(name) => {
                if let Some(problem) = signal_name_problem(name) {
                    let message = format!("a signal cannot be called {name:?}: {problem}");
                    let help = "it is what `carril signal ID NAME` says";
                    self.report(&own, "CAR0218", message, help);
                }
            }
            WaitFor::Approval(question) => {
                if question.trim().is_empty() || question.len() > QUESTION_BYTES_MAX {
                    let message = format!("the question has {} bytes", question.len());
                    let help = format!(
                        "ask something, in at most {QUESTION_BYTES_MAX} bytes, as in `approval = \"Send the report of {{entity_key}}?\"`"
                    );
                    self.report(&own, "CAR0105", message, help);
                }
                self.template(at, &own, question, false);
            }
        }
    }

    /// What a file cannot say beside a wait, the Rust builder can.
    fn needless(&mut self, path: &str, step: &Step, wait: &Wait) {
        let kind = wait.kind();
        let timeout = matches!(wait.until, WaitFor::Span(_)) && wait.longest.is_some();
        let needless = [
            ("retry", step.retry.attempts > 1),
            ("resource", !step.resources.is_empty()),
            ("shared_writes", !step.shared_writes.is_empty()),
            ("timeout", timeout),
        ];
        for (key, _) in needless.into_iter().filter(|(_, said)| *said) {
            let message = format!("`{key}` makes no sense here: a `{kind}` step only waits");
            let help = "leave it out";
            self.report(&format!("{path}/{key}"), "CAR0216", message, help);
        }
    }

    fn span(&mut self, path: &str, key: &str, span: Duration) {
        if span.is_zero() || span > WAIT_MAX {
            let message = format!("`{key}` cannot be {span:?}");
            let help = "it is more than nothing and at most 3660d, as in `30m` or `14d`";
            self.report(path, "CAR0105", message, help);
        }
    }
}
