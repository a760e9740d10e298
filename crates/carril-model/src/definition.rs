//! A pipeline's definition: what a file and what the Rust builder both become.
//!
//! Immutable once made, and complete: SQL text is in it, not the path to it, so that the store can keep it and any node can
//! run it. Its [`Version`] is the hash of all of it. Values here are already checked (see [`crate::load`]); a
//! `Definition` that can be built through the public ways can be run.

mod goal;
pub mod http;
mod resource;
pub mod wait;

pub use goal::Goal;
pub use http::Http;
pub use resource::{
    BREAKER_COUNT_MAX, BreakerPolicy, OnOpen, PRIORITY_MAX, PRIORITY_MIN, RATE_MAX, Rate, RateUnit,
    Resource,
};
pub use wait::{Wait, WaitFor};

use crate::expression::Expression;
use crate::finding::Place;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Most lanes one process may have at once.
pub const LANES_MAX: u32 = 10_000;
/// Most steps one pipeline may have; they are numbered in 16 bits, and a longer one is two pipelines.
pub const STEPS_MAX: usize = 1_000;
/// Most attempts a retry policy may ask for.
pub const ATTEMPTS_MAX: u32 = 1_000;

/// The hash of a definition: 32 hexadecimal digits of BLAKE3 over its canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub String);

impl Version {
    /// The first 8 digits, as people see it.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

/// A pipeline, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// A letter, then up to 63 letters, digits, `_` or `-`.
    pub name: String,
    /// One line for people.
    pub description: Option<String>,
    /// What a launch must or may set.
    pub params: BTreeMap<String, Parameter>,
    /// Whom the lanes are for.
    pub entities: Entities,
    /// How many at once, and what a second launch does.
    pub lanes: Lanes,
    /// The tables each execution has to itself.
    pub workspace: Option<Workspace>,
    /// Named limits, by resource.
    pub resources: BTreeMap<String, Resource>,
    /// What its processes should reach; nothing is stopped by it.
    #[serde(default, skip_serializing_if = "Goal::is_none")]
    pub goal: Goal,
    /// In order; the stages that publish are among them, made by [`crate::plan`].
    pub stages: Vec<Stage>,
}

/// One parameter of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// What values it takes.
    pub kind: ParameterKind,
    /// Its value where a launch sets none; `None` makes it required.
    pub default: Option<Value>,
    /// One line for people.
    pub description: Option<String>,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterKind {
    /// Any text.
    Text,
    /// A whole number that fits 64 bits.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A day, `YYYY-MM-DD`.
    Date,
}

/// Where a process's entities come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entities {
    /// A query on a target, run before any stage.
    Query {
        /// Where it runs.
        target: String,
        /// The column that is the entity's key.
        key: String,
        /// The query.
        sql: SqlText,
    },
    /// Named in the pipeline itself.
    List(Vec<String>),
    /// Given with each launch by the program that embeds the library.
    Given,
}

/// SQL as it was written, with where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlText {
    /// The file, relative to the pipeline's folder; `pipeline.toml` for text written in place.
    pub file: String,
    /// The text.
    pub text: String,
    /// Where in the file it begins; `None` for a text that is the whole file, or has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<SqlStart>,
}

/// Where SQL begins that was written in place. Lines and columns count from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlStart {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
    /// Whether the text stands there letter by letter; with escapes in between, only its beginning has a known place.
    pub verbatim: bool,
}

impl SqlText {
    /// A whole file.
    pub(crate) const fn of_file(file: String, text: String) -> Self {
        Self {
            file,
            text,
            start: None,
        }
    }

    /// The place of a byte range of the text, in the file that it is written in.
    #[must_use]
    pub fn place(&self, range: std::ops::Range<usize>) -> Place {
        let within = Place::of(&self.file, &self.text, range);
        let Some(start) = self.start else {
            return within;
        };
        if !start.verbatim {
            let (line, column) = (start.line, start.column);
            return Place {
                line,
                column,
                ..within
            };
        }
        let is_first = within.line == 1;
        Place {
            line: start.line.saturating_add(within.line - 1),
            column: if is_first {
                start.column.saturating_add(within.column - 1)
            } else {
                within.column
            },
            ..within
        }
    }
}

/// What stands for a number of lanes that is found out.
pub const AUTO: &str = "auto";

/// `[lanes]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lanes {
    /// Executions of one process that run at once; 1 to [`LANES_MAX`]. With [`Lanes::auto`] nobody asks for it.
    pub max: u32,
    /// Whether the number is found out: see [`crate::lanes`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub auto: bool,
    /// Executions with the same key never overlap; `None` means the entity's key.
    pub key: Option<Expression>,
    /// What a launch does while one of the same parameters is unfinished.
    pub overlap: Overlap,
    /// When to give up on the whole process; `None` for never, by default [`AbortWhen::DEFAULT`].
    pub abort_when: Option<AbortWhen>,
    /// Where processes compete for lanes and slots, the higher goes first; [`PRIORITY_MIN`] to [`PRIORITY_MAX`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i8,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            max: 50,
            auto: false,
            key: None,
            overlap: Overlap::Skip,
            abort_when: Some(AbortWhen::DEFAULT),
            priority: 0,
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape that serde calls"
)]
const fn is_zero(priority: &i8) -> bool {
    *priority == 0
}

/// What a second launch with the same pipeline and parameters does while the first is unfinished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// Nothing, and says so.
    Skip,
    /// Waits until the first has ended.
    Queue,
    /// Cancels the first, then runs.
    CancelRunning,
    /// Runs beside it.
    Allow,
}

/// The guard that stops a process when too many lanes fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbortWhen {
    /// The share of settled lanes that may fail, in thousandths; more than this aborts.
    pub failed_permille: u32,
    /// How many lanes must have settled before the share counts.
    pub after: u64,
}

impl AbortWhen {
    /// What holds where a pipeline says nothing: half of them, of at least 20.
    pub const DEFAULT: Self = Self {
        failed_permille: 500,
        after: 20,
    };

    /// Whether so many failures among so many that went through or failed are too many.
    #[must_use]
    pub fn is_broken(self, settled: u64, failed: u64) -> bool {
        settled >= self.after.max(1)
            && u128::from(failed) * 1_000 > u128::from(settled) * u128::from(self.failed_permille)
    }
}

impl fmt::Display for AbortWhen {
    /// `50 % of at least 20`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.failed_permille / 10)?;
        if !self.failed_permille.is_multiple_of(10) {
            write!(out, ".{}", self.failed_permille % 10)?;
        }
        write!(out, " % of at least {}", self.after.max(1))
    }
}

/// `[workspace]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workspace {
    /// The target that holds the templates and gets what is published.
    pub target: String,
    /// How executions are kept apart.
    pub isolation: Isolation,
    /// The tables each execution has to itself.
    pub tables: Vec<String>,
    /// What is copied into the shared target.
    pub publish: Vec<Publish>,
    /// SQLite: how a lane file survives a power failure.
    pub synchronous: Synchronous,
    /// When a workspace stays after its execution has settled.
    pub keep: Keep,
}

/// The column that tells executions apart where none is named.
pub const ISOLATION_COLUMN: &str = "execution_id";

/// How executions are kept apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// A file or schema of its own.
    Own,
    /// Shared tables, whose rows carry the execution's id in the column of this name.
    Column(String),
}

impl Workspace {
    /// The column that tells executions apart, where they share their tables.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        match &self.isolation {
            Isolation::Own => None,
            Isolation::Column(column) => Some(column),
        }
    }

    /// Whether a table is one of the workspace's; capitals make no difference.
    #[must_use]
    pub fn has_table(&self, name: &str) -> bool {
        self.tables
            .iter()
            .any(|table| table.eq_ignore_ascii_case(name))
    }
}

/// How a lane file survives a power failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// Every commit is on disk when it returns.
    Full,
    /// The last commits may be lost at power failure, and with them the workspace; an execution that had worked in it then
    /// fails and can be retried from its beginning.
    Normal,
}

/// When a workspace stays after its execution has settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// Only when the execution failed or was cancelled.
    Failed,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// One `publish` entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publish {
    /// A workspace table.
    pub from: String,
    /// The history table in the shared target.
    pub into: String,
    /// Columns of `from` that name a published row.
    pub key: Vec<String>,
    /// The view that shows the newest row of every key.
    pub current: Option<String>,
    /// Whose workspace it is published from.
    pub per: Scope,
}

/// Whether something is done in every lane or once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// In every lane.
    Entity,
    /// Once, in the process's own execution.
    Process,
}

/// A named group of steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Once per pipeline.
    pub name: String,
    /// In every lane, or once.
    pub per: Scope,
    /// Steps at once instead of one after the other.
    pub parallel: bool,
    /// Where false, the stage is skipped.
    pub when: Option<Expression>,
    /// At least one.
    pub steps: Vec<Step>,
}

/// The smallest durable unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Once per stage.
    pub name: String,
    /// What it does.
    pub action: Action,
    /// Where false, the step is skipped.
    pub when: Option<Expression>,
    /// Whether its failure fails the lane.
    pub critical: bool,
    /// Longest run of one attempt; of a step that waits, [`Wait::longest`] says it.
    #[serde(with = "micros")]
    pub timeout: Duration,
    /// When it is tried again.
    pub retry: RetryPolicy,
    /// Resources whose limits it keeps, or labels of the trace.
    pub resources: Vec<String>,
    /// What it does when a breaker of one of them is open.
    #[serde(default, skip_serializing_if = "OnOpen::is_default")]
    pub on_open: OnOpen,
    /// What happens when all attempts have failed.
    pub fallback: Option<Fallback>,
    /// Tables outside the workspace that it writes although all lanes share them.
    pub shared_writes: Vec<String>,
    /// What may be said about its effects.
    pub effects: Effects,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Statements in one transaction on a target.
    Sql {
        /// Where.
        target: String,
        /// What.
        sql: SqlText,
    },
    /// A program with its arguments; no shell.
    Command {
        /// Program, then arguments; `{name}` inside one is replaced by that value.
        argv: Vec<String>,
        /// The only variables it gets besides the documented ones.
        env: BTreeMap<String, String>,
        /// Whether its standard output is one JSON value, the step's output.
        json: bool,
    },
    /// An HTTP call.
    Http(Box<Http>),
    /// A Rust function, registered under this name.
    Function {
        /// The name.
        name: String,
    },
    /// Nothing, durably.
    Noop,
    /// Nothing, until something is there; no lane is held meanwhile.
    Wait(Wait),
    /// Copies workspace tables into the shared target; made by [`crate::plan`], never written by hand.
    Publish {
        /// Positions in [`Workspace::publish`].
        entries: Vec<usize>,
    },
}

/// What a step does when all its attempts have failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fallback {
    /// This is its output.
    Value(Value),
    /// This step of the same stage runs instead.
    Step(String),
}

/// What may be said about a step's effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effects {
    /// Committed with its own checkpoint.
    ExactlyOnce,
    /// May happen again after a crash.
    AtLeastOnce,
}

/// When a failed attempt is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// All tries, the first included; 1 to [`ATTEMPTS_MAX`].
    pub attempts: u32,
    /// The wait after the first failure.
    #[serde(with = "micros")]
    pub backoff_min: Duration,
    /// The longest wait.
    #[serde(with = "micros")]
    pub backoff_max: Duration,
    /// Which failures.
    pub on: RetryOn,
}

impl RetryPolicy {
    /// The first failure counts.
    #[must_use]
    pub fn never() -> Self {
        Self {
            attempts: 1,
            on: RetryOn::Never,
            ..Self::default()
        }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            backoff_min: Duration::from_millis(50),
            backoff_max: Duration::from_secs(5),
            on: RetryOn::Transient,
        }
    }
}

/// Which failures are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RetryOn {
    /// Those that may go away by themselves.
    Transient,
    /// All.
    Any,
    /// None.
    Never,
}

impl Step {
    /// What it waits for, if waiting is what it does.
    #[must_use]
    pub const fn wait(&self) -> Option<&Wait> {
        match &self.action {
            Action::Wait(wait) => Some(wait),
            _ => None,
        }
    }
}

impl Definition {
    /// The hash of everything this definition means: where its SQL stands in a file is no part of that.
    #[must_use]
    pub fn version(&self) -> Version {
        let mut meant = self.clone();
        meant.forget_places();
        let text =
            serde_json::to_vec(&meant).expect("a definition holds only values that JSON has");
        Version(blake3::hash(&text).to_hex()[..32].to_owned())
    }

    fn forget_places(&mut self) {
        if let Entities::Query { sql, .. } = &mut self.entities {
            sql.start = None;
        }
        for step in self.stages.iter_mut().flat_map(|stage| &mut stage.steps) {
            if let Action::Sql { sql, .. } = &mut step.action {
                sql.start = None;
            }
        }
    }
}

/// Durations as whole microseconds in stored definitions.
mod micros {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(value: &Duration, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_u64(u64::try_from(value.as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_micros)
    }
}
