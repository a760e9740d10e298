//! Old history, brought along: rows of a flat schema in, settled processes with their executions and attempts out.
//!
//! Everything is decided here from texts and a time; who reads the rows and who writes the processes is elsewhere. Nothing is
//! mended silently: what cannot be mapped is left out and told with its reason, what contradicts itself is told as a note, and
//! every row that was read is counted as mapped or as left out. A run is mapped whole or not at all, unless
//! [`Options::partial`] lets rows of it go.

mod cells;
mod columns;
mod flat;
mod fund;
mod people;
mod report;
mod runs;

pub use flat::{FLAT_ROWS_MAX, FlatError, FlatTable, FlatWanted, Source};
pub use report::{Counts, Left, Problem, ProblemKind};

use crate::contract::{ImportedProcess, NewImport};
use crate::definition::{
    Action, Definition, Effects, Entities, Goal, Lanes, Parameter, ParameterKind, RetryPolicy,
    Scope, Stage, Step,
};
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// What steps of an imported definition do: nothing that anybody could do again. No function of a program can have this name.
pub const ACTION: &str = "carril:imported";

/// Who launched a process that was imported, for people.
pub const BY: &str = "carril import";

/// The only step of each stage of an imported process; the old schema knows stages alone.
pub const STEP: &str = "imported";

/// How the rows are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The pipeline that the processes are shown under.
    pub pipeline: String,
    /// The name of the source: with a run's old id it tells whether that run was imported before.
    pub source: String,
    /// The time zone that old times without an offset are meant in, as in `America/Lima`.
    pub zone: String,
    /// Names of columns where they differ from the known ones: known name, name in the source.
    pub columns: BTreeMap<String, String>,
    /// What unknown words for a state mean: word, known word.
    pub states: BTreeMap<String, String>,
    /// Whether rows of funds that cannot be mapped are left out alone, and not their whole run.
    pub partial: bool,
    /// Whether runs that never ended are imported as failed, and not left out.
    pub unfinished: bool,
    /// Now: nothing that was can be later.
    pub now: Timestamp,
}

/// Why nothing at all can be mapped. Every text says what is wrong and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// A column is missing without which nothing has a meaning.
    #[error("table {table} has no column {column}; it has {there}")]
    NoColumn {
        /// The table, as it is called in the source.
        table: String,
        /// The name that was looked for.
        column: String,
        /// The names that are there.
        there: String,
    },
    /// Two columns differ in capitals alone.
    #[error("table {table} has two columns {column}, which only capitals tell apart")]
    TwoColumns {
        /// The table.
        table: String,
        /// The name.
        column: String,
    },
    /// No column tells a stage.
    #[error("table {table} has no column `Estado_…`, so it tells of no stage; it has {there}")]
    NoStages {
        /// The table.
        table: String,
        /// The names that are there.
        there: String,
    },
    /// A name that an option gives makes no sense.
    #[error("{0}")]
    Option(String),
}

impl MapError {
    /// `CARnnnn`; its page is `docs/errors/CARnnnn.md`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoColumn { .. } | Self::TwoColumns { .. } | Self::NoStages { .. } => "CAR0853",
            Self::Option(_) => "CAR0854",
        }
    }
}

impl FlatError {
    /// `CARnnnn`; its page is `docs/errors/CARnnnn.md`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) | Self::Unreadable { .. } => "CAR0850",
            Self::NoTable { .. } => "CAR0851",
            Self::TooMany { .. } => "CAR0852",
        }
    }
}

/// What became of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// To be written.
    pub import: NewImport,
    /// How much was read, mapped and left out.
    pub counts: Counts,
    /// What was left out and why, and what contradicts itself; in order of the source.
    pub problems: Vec<Problem>,
}

/// Maps a source.
///
/// # Errors
/// [`MapError`] where nothing can be mapped. What is wrong with single rows is no error but a [`Problem`].
pub fn map(source: &Source, options: &Options) -> Result<Mapped, MapError> {
    check(options)?;
    let reading = runs::Reading::new(source, options)?;
    let definition = definition(&options.pipeline, &options.source, reading.stages());
    let (processes, counts, problems) = reading.map();
    Ok(Mapped {
        import: NewImport {
            source: options.source.clone(),
            version: definition.version(),
            definition,
            processes,
            at: options.now,
        },
        counts,
        problems,
    })
}

fn check(options: &Options) -> Result<(), MapError> {
    let wrong = |text: String| Err(MapError::Option(text));
    if !is_name(&options.pipeline) {
        return wrong(format!(
            "`{}` is no name of a pipeline: it begins with a letter and has at most 64 letters, digits, `_` or `-`",
            options.pipeline
        ));
    }
    if options.source.trim().is_empty() || options.source.len() > 200 {
        return wrong("a source's name has 1 to 200 letters".to_owned());
    }
    if !cells::is_zone(&options.zone) {
        return wrong(format!(
            "there is no time zone `{}`; zones are called as in `America/Lima` or `UTC`",
            options.zone
        ));
    }
    let known = flat::KNOWN;
    if let Some(name) = options
        .columns
        .keys()
        .find(|name| !known.iter().any(|known| known.eq_ignore_ascii_case(name)))
    {
        return wrong(format!(
            "`{name}` is no column that can be called differently; those are {}",
            known.join(", ")
        ));
    }
    if let Some((word, means)) = options
        .states
        .iter()
        .find(|(_, means)| !cells::is_known_state(means))
    {
        return wrong(format!(
            "`{word}={means}`: `{means}` is no state; the states are {}",
            cells::KNOWN_STATES.join(", ")
        ));
    }
    Ok(())
}

/// As [`Definition::name`] says.
fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-')
}

/// A pipeline with the source's stages, of which nothing can be run.
fn definition(pipeline: &str, source: &str, stages: &[String]) -> Definition {
    let stage = |name: &String| Stage {
        name: name.clone(),
        per: Scope::Entity,
        parallel: false,
        when: None,
        steps: vec![Step {
            name: STEP.to_owned(),
            action: Action::Function {
                name: ACTION.to_owned(),
            },
            when: None,
            critical: true,
            timeout: Duration::from_secs(60),
            retry: RetryPolicy::never(),
            resources: Vec::new(),
            on_open: crate::definition::OnOpen::default(),
            fallback: None,
            shared_writes: Vec::new(),
            effects: Effects::AtLeastOnce,
        }],
    };
    let parameter = |kind, text: &str| Parameter {
        kind,
        default: None,
        description: Some(text.to_owned()),
    };
    let params = [
        (
            "report_date".to_owned(),
            parameter(ParameterKind::Date, "FechaReporte of the old run"),
        ),
        (
            "id_ejecucion".to_owned(),
            parameter(ParameterKind::Integer, "ID_Ejecucion of the old run"),
        ),
    ];
    Definition {
        name: pipeline.to_owned(),
        description: Some(format!("imported from {source}; it can be shown, not run")),
        params: params.into(),
        entities: Entities::Given,
        lanes: Lanes::default(),
        workspace: None,
        resources: BTreeMap::new(),
        goal: Goal::default(),
        stages: stages.iter().map(stage).collect(),
    }
}

impl Definition {
    /// Whether it stands for what another program did, so that nothing of it can be run, retried or rolled back.
    #[must_use]
    pub fn is_imported(&self) -> bool {
        let mut steps = self.stages.iter().flat_map(|stage| &stage.steps);
        steps.any(|step| matches!(&step.action, Action::Function { name } if name == ACTION))
    }
}

impl NewImport {
    /// The same without processes that are known already, as `is_known` says of their keys.
    #[must_use]
    pub fn without(mut self, is_known: impl Fn(&str) -> bool) -> Self {
        self.processes
            .retain(|process: &ImportedProcess| !is_known(&process.key));
        self
    }
}

#[cfg(test)]
mod tests;
