//! The one place where names become SQL: quoting of identifiers, the names of schemas and of sessions.
//!
//! Table and column names come from pipelines and from users' databases, so any character may be in them. Values never
//! pass through here: they are bound.

use carril_model::contract::{StepCall, Whose};
use carril_model::id::{ExecutionId, ProcessId, Run};

/// The schema of Carril's own tables on a target.
pub(crate) const OWN: &str = "carril_target";

/// Most bytes of an `application_name` that the server keeps.
const APPLICATION_BYTES: usize = 63;

/// Which workspace: one execution's, in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LaneKey {
    pub(crate) process: ProcessId,
    pub(crate) execution: ExecutionId,
    pub(crate) run: Run,
}

impl LaneKey {
    /// The workspace that an attempt works in.
    pub(crate) fn of(call: &StepCall) -> Self {
        Self {
            process: call.process(),
            execution: call.execution(),
            run: call.run(),
        }
    }

    /// The workspace of one run of an execution.
    pub(crate) fn new(whose: Whose, run: Run) -> Self {
        Self {
            process: whose.process,
            execution: whose.execution,
            run,
        }
    }

    /// Its schema, which no other run ever has.
    pub(crate) fn schema(self) -> String {
        format!("carril_p{}_e{}_r{}", self.process, self.execution, self.run)
    }
}

/// An identifier in double quotes.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name in a schema.
pub(crate) fn in_schema(schema: &str, name: &str) -> String {
    format!("{}.{}", quoted(schema), quoted(name))
}

/// Several identifiers, quoted, with commas between them.
pub(crate) fn quoted_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// A text literal, for the few statements that take no bound value (a view's body, a comment).
pub(crate) fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}

/// Whether two names of a pipeline mean the same table: capitals make no difference.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// What the server's views and logs call an attempt: `carril/12/3.ipa/a7.1` for execution, step (its number first, so that
/// two never look alike), claim and attempt.
pub(crate) fn application_name(call: &StepCall) -> String {
    let end = format!("/a{}.{}", call.token.0, call.attempt);
    let mut name = application_prefix(call);
    let mut keep = APPLICATION_BYTES.saturating_sub(end.len());
    if name.len() > keep {
        while !name.is_char_boundary(keep) {
            keep -= 1;
        }
        name.truncate(keep);
    }
    name + &end
}

fn application_prefix(call: &StepCall) -> String {
    let step = &call.plan.step(call.step).name;
    format!("carril/{}/{}.{step}", call.execution(), call.step.0)
}

/// The execution and the step in the name of an attempt's session, if it is one.
pub(crate) fn execution_of(application: &str) -> Option<(ExecutionId, String)> {
    let (execution, rest) = application.strip_prefix("carril/")?.split_once('/')?;
    let (number, step) = rest.rsplit_once("/a")?.0.split_once('.')?;
    number.parse::<u16>().ok()?;
    Some((ExecutionId(execution.parse().ok()?), step.to_owned()))
}

/// A pattern for `like` that all attempts of the same step match, of whatever claim.
pub(crate) fn attempts_pattern(call: &StepCall) -> String {
    format!("carril/{}/{}.%", call.execution(), call.step.0)
}

/// A pattern for `like` that all sessions match which work for an execution.
pub(crate) fn execution_pattern(execution: ExecutionId) -> String {
    format!("carril/{execution}/%")
}

#[cfg(test)]
mod tests;
