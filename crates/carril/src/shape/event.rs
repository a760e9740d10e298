//! Live events as programs read them: lines of `--json`, and of the server's stream.

use super::process::{ProcessShape, TallyShape};
use super::rfc3339;
use carril_engine::event::{Event, Rail};
use carril_model::id::ProcessId;
use carril_model::time::Timestamp;
use serde::Serialize;

/// Something happened.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventShape<'a> {
    /// A process is followed from now on.
    Begin {
        /// `launched`, `resumed` and so on.
        how: &'static str,
        /// The process.
        process: Box<ProcessShape<'a>>,
    },
    /// A process moved: its numbers or its state.
    Process {
        /// The process.
        process: i64,
        /// Its state.
        state: &'static str,
        /// Its numbers.
        entities: TallyShape,
        /// When.
        at: String,
    },
    /// An execution got a lane.
    Started {
        /// The process.
        process: i64,
        /// The execution.
        execution: i64,
        /// Its run.
        run: u32,
        /// The entity's key; `null` for the process's own execution.
        entity: Option<&'a str>,
        /// When.
        at: String,
    },
    /// An attempt of a step ended.
    Step {
        /// The process.
        process: i64,
        /// The execution.
        execution: i64,
        /// `stage/step`.
        step: &'a str,
        /// The try.
        attempt: u32,
        /// Its state.
        state: &'static str,
        /// Why it failed.
        error: Option<&'a str>,
        /// When.
        at: String,
    },
    /// A process that finds out the number of its lanes has another one.
    Lanes {
        /// The process.
        process: i64,
        /// How many it had.
        from: u32,
        /// How many it has.
        to: u32,
        /// Why, in one word.
        reason: &'static str,
        /// Why, as people read it.
        detail: &'a str,
        /// When.
        at: String,
    },
    /// An execution's run is over.
    Settled {
        /// The process.
        process: i64,
        /// The execution.
        execution: i64,
        /// The entity's key; `null` for the process's own execution.
        entity: Option<&'a str>,
        /// Its state.
        state: &'static str,
        /// When.
        at: String,
    },
    /// Events came faster than they could be told, and so many are not.
    Lost {
        /// How many.
        count: u64,
    },
}

impl<'a> EventShape<'a> {
    fn of_lanes(event: &'a Event) -> Option<Self> {
        let Event::Lanes {
            process,
            from,
            to,
            reason,
            detail,
            at,
        } = event
        else {
            return None;
        };
        Some(Self::Lanes {
            process: process.0,
            from: *from,
            to: *to,
            reason: reason.name(),
            detail,
            at: rfc3339(*at),
        })
    }

    /// An event of an engine; an alert is an [`AlertShape`].
    #[must_use]
    pub fn of(event: &'a Event) -> Option<Self> {
        Some(match event {
            Event::Alert { .. } => return None,
            Event::Process {
                process,
                state,
                tally,
                at,
            } => Self::Process {
                process: process.0,
                state: state.name(),
                entities: TallyShape::from(*tally),
                at: rfc3339(*at),
            },
            Event::Started {
                process,
                execution,
                run,
                entity,
                at,
            } => Self::Started {
                process: process.0,
                execution: execution.0,
                run: run.0,
                entity: entity.as_deref(),
                at: rfc3339(*at),
            },
            Event::Step {
                process,
                execution,
                step,
                attempt,
                state,
                error,
                at,
                ..
            } => Self::Step {
                process: process.0,
                execution: execution.0,
                step,
                attempt: *attempt,
                state: state.name(),
                error: error.as_deref(),
                at: rfc3339(*at),
            },
            Event::Lanes { .. } => return Self::of_lanes(event),
            Event::Settled {
                process,
                execution,
                entity,
                state,
                at,
            } => Self::Settled {
                process: process.0,
                execution: execution.0,
                entity: entity.as_deref(),
                state: state.name(),
                at: rfc3339(*at),
            },
        })
    }
}

/// A guard rail's sentence, as an event.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AlertShape {
    event: &'static str,
    rail: &'static str,
    process: Option<i64>,
    pipeline: String,
    message: String,
    at: String,
}

impl AlertShape {
    /// What a rail says about a process, or about a launch that made none.
    pub fn of(
        rail: Rail,
        process: Option<ProcessId>,
        pipeline: &str,
        message: String,
        at: Timestamp,
    ) -> Self {
        Self {
            event: "alert",
            rail: rail.name(),
            process: process.map(|process| process.0),
            pipeline: pipeline.to_owned(),
            message,
            at: rfc3339(at),
        }
    }
}
