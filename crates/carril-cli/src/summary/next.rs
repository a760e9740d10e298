//! What somebody may want to type after a summary: commands that work here and now, and what each is for. Which ones depends on
//! how the process stands: nobody undoes what still runs, and what was cancelled has no slowest lane. Texts only; nothing is
//! looked up.

use crate::context::quoted;
use carril::model::id::ProcessId;
use carril::model::state::ProcessState;

/// A command to copy, and what it is for.
pub(crate) type Suggestion = (String, &'static str);

/// What is known of a process when its summary is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing<'a> {
    pub(super) process: ProcessId,
    pub(super) state: ProcessState,
    /// Executions that are parked, for a time, a signal or a person.
    pub(super) waiting: u64,
    /// Executions that failed, the process's own included.
    pub(super) failed: u64,
    /// Executions that were cancelled.
    pub(super) cancelled: u64,
    /// One that failed.
    pub(super) example: Option<i64>,
    /// Whether a program of that one failed, which may have printed why.
    pub(super) printed: bool,
    /// The lane that took longest of those that came to an end by themselves.
    pub(super) slowest: Option<(i64, &'a str)>,
    /// The `--store` argument that commands need here, with a space before it.
    pub(super) at: &'a str,
}

/// Commands that make sense now, the most useful first.
pub(super) fn next(standing: &Standing<'_>) -> Vec<Suggestion> {
    match standing.state {
        ProcessState::Launching | ProcessState::Running => standing.under_way(),
        ProcessState::Paused => standing.paused(),
        ProcessState::Succeeded => standing.succeeded(),
        ProcessState::CompletedWithErrors | ProcessState::Failed | ProcessState::Cancelled => {
            standing.unsuccessful()
        }
        ProcessState::RolledBack => standing.rolled_back(),
    }
}

impl Standing<'_> {
    fn command(&self, words: &str, what: &'static str) -> Suggestion {
        (format!("carril {words}{}", self.at), what)
    }

    fn under_way(&self) -> Vec<Suggestion> {
        let id = self.process;
        let mut commands = vec![self.command(&format!("why {id}"), "what is it at?")];
        if self.waiting > 0 {
            let words = format!("show {id} --state waiting");
            commands.push(self.command(&words, "who waits for what"));
        }
        commands.push(self.command(&format!("top {id}"), "watch it"));
        commands.push(self.command(&format!("show {id}"), "every execution"));
        commands.push(self.command(&format!("cancel {id}"), "stop it"));
        commands
    }

    fn paused(&self) -> Vec<Suggestion> {
        let id = self.process;
        vec![
            self.command(&format!("resume {id}"), "go on with the rest"),
            self.command(&format!("show {id}"), "how far is each?"),
            self.command(&format!("cancel {id}"), "give the rest up"),
        ]
    }

    fn succeeded(&self) -> Vec<Suggestion> {
        let id = self.process;
        let mut commands = Vec::new();
        if let Some((slowest, _)) = self.slowest {
            let words = format!("why {slowest}");
            commands.push(self.command(&words, "how did the slowest lane end?"));
        }
        commands.push(self.command(&format!("show {id}"), "every execution"));
        commands.push(self.timeline());
        let words = format!("trace bottlenecks {id}");
        commands.push(self.command(&words, "what cost the most waiting?"));
        if let Some((_, entity)) = self.slowest {
            let words = format!("rollback --process {id} --entity {}", quoted(entity));
            commands.push(self.command(&words, "undo one entity"));
        }
        commands.push(self.command(&format!("rollback {id}"), "undo all of it"));
        commands
    }

    fn unsuccessful(&self) -> Vec<Suggestion> {
        let id = self.process;
        let mut commands = Vec::new();
        if let Some(example) = self.example {
            commands.push(self.command(&format!("why {example}"), "why did it fail?"));
            if self.printed {
                commands
                    .push(self.command(&format!("logs {example}"), "what did its steps print?"));
            }
        }
        if self.failed + self.cancelled > 0 {
            let what = match (self.failed > 0, self.cancelled > 0) {
                (true, true) => "run the failed and the cancelled ones again",
                (false, true) => "run the cancelled ones again",
                _ => "run the failed ones again",
            };
            commands.push(self.command(&format!("retry {id} --failed"), what));
        }
        commands.push(self.command(&format!("show {id}"), "every execution"));
        commands.push(self.timeline());
        commands.push(self.command(&format!("rollback {id}"), "undo all of it"));
        commands
    }

    fn rolled_back(&self) -> Vec<Suggestion> {
        let id = self.process;
        vec![
            self.command(&format!("retry {id}"), "run it again from the beginning"),
            self.command(&format!("show {id}"), "every execution"),
        ]
    }

    fn timeline(&self) -> Suggestion {
        let words = format!("trace timeline {}", self.process);
        self.command(&words, "when did each lane do what?")
    }
}

#[cfg(test)]
mod tests;
