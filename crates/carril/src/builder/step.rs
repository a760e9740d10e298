//! Steps: SQL, commands, HTTP calls, Rust functions, and what every step may say.

use super::http::HttpCall;
use super::stage::Building;
use crate::function::{self, Input, StepFailure};
use carril_model::contract::StepRunner;
use carril_model::definition::{
    self, Action, Effects, Fallback, OnOpen, RetryOn, RetryPolicy, SqlText, Wait, WaitFor,
};
use carril_model::expression::Expression;
use carril_model::finding::Finding;
use carril_model::plan::stable_hash;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Most characters of a function's name.
const NAME_CHARS_MAX: usize = 64;

/// The smallest durable unit: it is done once, or known not to be done.
#[must_use = "a step does nothing before a stage has it"]
pub struct Step {
    name: String,
    work: Work,
    target: Option<String>,
    when: Option<String>,
    critical: bool,
    timeout: Option<Duration>,
    retry: Option<Retry>,
    resources: Vec<String>,
    on_open: OnOpen,
    fallback: Option<Fallback>,
    shared_writes: Vec<String>,
    at_least_once: bool,
    misplaced: Vec<&'static str>,
}

enum Work {
    Sql(String),
    Command {
        argv: Vec<String>,
        env: BTreeMap<String, String>,
        json: bool,
    },
    Http(HttpCall),
    Function(Arc<dyn StepRunner>),
    Named(String),
    Noop,
    Wait(WaitFor),
}

impl fmt::Debug for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.work {
            Work::Sql(_) => "sql",
            Work::Command { .. } => "command",
            Work::Http(_) => "http",
            Work::Function(_) | Work::Named(_) => "function",
            Work::Noop => "noop",
            Work::Wait(_) => "wait",
        };
        out.debug_struct("Step")
            .field("name", &self.name)
            .field("does", &kind)
            .finish_non_exhaustive()
    }
}

/// When a failed attempt is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry(RetryPolicy);

impl Retry {
    /// Never: the first failure counts.
    #[must_use]
    pub fn never() -> Self {
        Self(RetryPolicy {
            attempts: 1,
            on: RetryOn::Never,
            ..RetryPolicy::default()
        })
    }

    /// After failures that may go away by themselves; `attempts` counts all tries, 1 to 1,000.
    #[must_use]
    pub fn transient(attempts: u32) -> Self {
        Self(RetryPolicy {
            attempts,
            on: RetryOn::Transient,
            ..RetryPolicy::default()
        })
    }

    /// After any failure; `attempts` counts all tries, 1 to 1,000.
    #[must_use]
    pub fn any(attempts: u32) -> Self {
        Self(RetryPolicy {
            attempts,
            on: RetryOn::Any,
            ..RetryPolicy::default()
        })
    }

    /// The wait doubles from the first to the second duration, with jitter; by default from 50 ms to 5 s.
    #[must_use]
    pub const fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.0.backoff_min = first;
        self.0.backoff_max = longest;
        self
    }
}

/// What steps do that say nothing else.
#[derive(Debug)]
pub(super) struct Defaults {
    pub(super) timeout: Duration,
    pub(super) retry: Retry,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
            retry: Retry(RetryPolicy::default()),
        }
    }
}

impl Step {
    /// Statements in one transaction on a target, committed together with the step's own success. Values are `:name`, bound.
    pub fn sql(name: impl Into<String>, sql: impl Into<String>) -> Self {
        Self::new(name, Work::Sql(sql.into()))
    }

    /// A program with its arguments, without a shell; `{name}` inside an argument is replaced by that value.
    pub fn command<I: IntoIterator<Item: Into<String>>>(name: impl Into<String>, argv: I) -> Self {
        let argv = argv.into_iter().map(Into::into).collect();
        Self::new(
            name,
            Work::Command {
                argv,
                env: BTreeMap::new(),
                json: false,
            },
        )
    }

    /// An HTTP call. Its answer is the step's output: `status`, `headers` and `body`.
    pub fn http(name: impl Into<String>, call: HttpCall) -> Self {
        Self::new(name, Work::Http(call))
    }

    /// An asynchronous function: what it takes is read from [`Input::values`], what it answers is the step's output.
    ///
    /// It runs in the lane's own task. A function that computes or blocks for long is a [`Step::function_blocking`].
    pub fn function<T, O, F, Fut>(name: impl Into<String>, function: F) -> Self
    where
        T: DeserializeOwned + Send + 'static,
        O: Serialize + Send + 'static,
        F: Fn(Input<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, StepFailure>> + Send + 'static,
    {
        Self::new(name, Work::Function(function::asynchronous(function)))
    }

    /// A function that computes or blocks; it runs on a thread of its own, which nothing can stop from outside: one that
    /// does not look at [`Input::cancel`] is abandoned five seconds after its time is over, and its thread runs on.
    pub fn function_blocking<T, O, F>(name: impl Into<String>, function: F) -> Self
    where
        T: DeserializeOwned + Send + 'static,
        O: Serialize + Send + 'static,
        F: Fn(Input<T>) -> Result<O, StepFailure> + Send + Sync + 'static,
    {
        Self::new(name, Work::Function(function::blocking(function)))
    }

    /// A function that is registered under this name when the store is opened ([`crate::OpenOptions::function`]).
    pub fn function_named(name: impl Into<String>, function: impl Into<String>) -> Self {
        Self::new(name, Work::Named(function.into()))
    }

    /// Nothing, durably: for trying out, and for measuring.
    pub fn noop(name: impl Into<String>) -> Self {
        Self::new(name, Work::Noop)
    }

    /// Waits so long after the step is reached, without a lane or a connection; ten years at most.
    pub fn wait(name: impl Into<String>, span: Duration) -> Self {
        Self::new(name, Work::Wait(WaitFor::Span(span)))
    }

    /// Waits for the moment that an expression gives: text with an offset or a zone, as in `"2026-03-01T09:00[Europe/Madrid]"`.
    /// One in the past is not waited for.
    pub fn wait_until(name: impl Into<String>, expression: impl Into<String>) -> Self {
        let expression = Expression::from(expression.into());
        Self::new(name, Work::Wait(WaitFor::Moment(expression)))
    }

    /// Waits for a signal of this name ([`crate::Engine::signal`]); its data is the step's output. [`Step::timeout`] says how
    /// long at most, by default for ever.
    pub fn signal(name: impl Into<String>, signal: impl Into<String>) -> Self {
        Self::new(name, Work::Wait(WaitFor::Signal(signal.into())))
    }

    /// Waits for a person's word on a question, in which `{name}` is replaced by that value ([`crate::Engine::decide`]): approved,
    /// the output is `by`, `reason` and `at`; rejected, the step fails. [`Step::timeout`] says how long at most, by default for
    /// ever.
    pub fn approval(name: impl Into<String>, question: impl Into<String>) -> Self {
        Self::new(name, Work::Wait(WaitFor::Approval(question.into())))
    }

    /// Where its SQL runs; by default on the workspace's target, else the entities'.
    pub fn target(mut self, name: impl Into<String>) -> Self {
        if !matches!(self.work, Work::Sql(_)) {
            self.misplaced.push("target");
        }
        self.target = Some(name.into());
        self
    }

    /// The step is skipped, with this reason, where the expression is false.
    pub fn when(mut self, expression: impl Into<String>) -> Self {
        self.when = Some(expression.into());
        self
    }

    /// Its failure is a warning, and the lane goes on.
    pub const fn not_critical(mut self) -> Self {
        self.critical = false;
        self
    }

    /// The longest run of one attempt, by default the pipeline's; of a step that waits the longest wait, by default for ever.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// When a failed attempt is tried again; by default as the pipeline says.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = Some(retry);
        self
    }

    /// It keeps the limits of this resource; without a limit of that name it is only a label of the trace.
    pub fn resource(mut self, name: impl Into<String>) -> Self {
        self.resources.push(name.into());
        self
    }

    /// While a breaker of one of its resources is open it fails at once (`CAR0540`), without spending its retries; by default
    /// it waits.
    pub const fn fail_when_open(mut self) -> Self {
        self.on_open = OnOpen::Fail;
        self
    }

    /// Its output when all attempts have failed; the step then succeeds and says so.
    pub fn fallback(mut self, value: impl Into<Value>) -> Self {
        self.fallback = Some(Fallback::Value(value.into()));
        self
    }

    /// A step of the same stage that runs instead when all attempts have failed.
    pub fn fallback_step(mut self, name: impl Into<String>) -> Self {
        self.fallback = Some(Fallback::Step(name.into()));
        self
    }

    /// A table outside the workspace that it writes although all lanes share it.
    pub fn shared_write(mut self, table: impl Into<String>) -> Self {
        if !matches!(self.work, Work::Sql(_)) {
            self.misplaced.push("shared_write");
        }
        self.shared_writes.push(table.into());
        self
    }

    /// Its SQL commits by itself, so that it may happen again after a crash.
    pub fn at_least_once(mut self) -> Self {
        if !matches!(self.work, Work::Sql(_)) {
            self.misplaced.push("at_least_once");
        }
        self.at_least_once = true;
        self
    }

    /// A variable that a command gets; `{name}` inside the text is replaced by that value. Only commands have them.
    pub fn env(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        match &mut self.work {
            Work::Command { env, .. } => drop(env.insert(name.into(), text.into())),
            _ => self.misplaced.push("env"),
        }
        self
    }

    /// A command's whole standard output is one JSON value, the step's output. Only commands need to say so.
    pub fn json_output(mut self) -> Self {
        match &mut self.work {
            Work::Command { json, .. } => *json = true,
            _ => self.misplaced.push("json_output"),
        }
        self
    }

    fn new(name: impl Into<String>, work: Work) -> Self {
        Self {
            name: name.into(),
            work,
            target: None,
            when: None,
            critical: true,
            timeout: None,
            retry: None,
            resources: Vec::new(),
            on_open: OnOpen::Wait,
            fallback: None,
            shared_writes: Vec::new(),
            at_least_once: false,
            misplaced: Vec::new(),
        }
    }

    pub(super) fn into_model(self, stage: &str, building: &mut Building<'_>) -> definition::Step {
        for call in &self.misplaced {
            let finding = Finding::error(
                "CAR0203",
                format!("step `{stage}/{}` has no use for `{call}`", self.name),
            );
            building.findings.push(finding.help("`target`, `shared_write` and `at_least_once` are for SQL, `env` and `json_output` for commands"));
        }
        let effects = match self.work {
            Work::Sql(_) if !self.at_least_once => Effects::ExactlyOnce,
            Work::Noop | Work::Wait(_) => Effects::ExactlyOnce,
            _ => Effects::AtLeastOnce,
        };
        let waits = matches!(self.work, Work::Wait(_));
        let mut action = action(self.work, stage, &self.name, self.target, building);
        if let Action::Wait(wait) = &mut action {
            wait.longest = self.timeout;
        }
        definition::Step {
            name: self.name,
            action,
            when: self.when.map(Expression::from),
            critical: self.critical,
            timeout: self
                .timeout
                .filter(|_| !waits)
                .unwrap_or(building.defaults.timeout),
            retry: match &self.retry {
                Some(retry) => retry.0.clone(),
                None if waits => RetryPolicy::never(),
                None => building.defaults.retry.0.clone(),
            },
            resources: self.resources,
            on_open: self.on_open,
            fallback: self.fallback,
            shared_writes: self.shared_writes,
            effects,
        }
    }
}

fn action(
    work: Work,
    stage: &str,
    name: &str,
    target: Option<String>,
    building: &mut Building<'_>,
) -> Action {
    match work {
        Work::Sql(text) => {
            let target = target.or_else(|| building.target.map(str::to_owned));
            if target.is_none() {
                let finding = Finding::error(
                    "CAR0412",
                    format!("step `{stage}/{name}` does not say on which target its SQL runs"),
                );
                building
                    .findings
                    .push(finding.help("name it: `Step::sql(…).target(\"warehouse\")`"));
            }
            let sql = SqlText {
                file: format!("{stage}/{name}"),
                text,
                start: None,
            };
            Action::Sql {
                target: target.unwrap_or_default(),
                sql,
            }
        }
        Work::Command { argv, env, json } => Action::Command { argv, env, json },
        Work::Http(call) => {
            let (action, problems) = call.into_action();
            for problem in problems {
                let finding =
                    Finding::error("CAR0105", format!("step `{stage}/{name}`: {problem}"));
                let help = "it is a status from 200 to 599, or a class such as `2xx`";
                building.findings.push(finding.help(help));
            }
            action
        }
        Work::Function(runner) => {
            let name = function_name(building.pipeline, stage, name);
            building.functions.insert_runner(name.clone(), runner);
            Action::Function { name }
        }
        Work::Named(name) => Action::Function { name },
        Work::Noop => Action::Noop,
        Work::Wait(until) => Action::Wait(Wait {
            until,
            longest: None,
        }),
    }
}

/// The name that a step's own function is registered under: readable, and no other step's. The hash keeps steps apart whose
/// names only look the same when they are put together.
fn function_name(pipeline: &str, stage: &str, step: &str) -> String {
    let hash = stable_hash(&[pipeline, stage, step]);
    let suffix = format!("-{:08x}", hash & 0xffff_ffff);
    let mut name = format!("{pipeline}-{stage}-{step}");
    let mut end = name.len().min(NAME_CHARS_MAX - suffix.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name + &suffix
}
