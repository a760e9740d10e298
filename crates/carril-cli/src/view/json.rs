//! Events as JSON lines on stdout, in shapes of our own. The summary is the last line and not written here.

use crate::failure::Failure;
use crate::output::Output;
use crate::output::time::rfc3339;
use crate::shape::{AlertShape, ProcessShape, TallyShape};
use carril::event::{Event, Rail};
use carril::model::contract::{ProcessRow, Tally};
use carril::model::state::ProcessState;
use carril::model::time::Timestamp;
use serde::Serialize;

/// What was written last about a process that another engine runs; it is only looked at, and most looks tell nothing new.
#[derive(Debug, Default)]
pub(super) struct Json {
    last: Option<(ProcessState, Tally)>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Begin {
        how: &'static str,
        process: ProcessShape<'a>,
    },
    Process {
        process: i64,
        state: &'static str,
        entities: TallyShape,
        at: String,
    },
    Started {
        process: i64,
        execution: i64,
        run: u32,
        entity: Option<&'a str>,
        at: String,
    },
    Step {
        process: i64,
        execution: i64,
        step: &'a str,
        attempt: u32,
        state: &'static str,
        error: Option<&'a str>,
        at: String,
    },
    Lanes {
        process: i64,
        from: u32,
        to: u32,
        reason: &'static str,
        detail: &'a str,
        at: String,
    },
    Settled {
        process: i64,
        execution: i64,
        entity: Option<&'a str>,
        state: &'static str,
        at: String,
    },
    Lost {
        count: u64,
    },
}

impl Json {
    /// A process is followed from now on.
    pub(super) fn begin(
        &mut self,
        output: &Output,
        row: &ProcessRow,
        how: &'static str,
    ) -> Result<(), Failure> {
        output.line(&Line::Begin {
            how,
            process: ProcessShape::of(row, 0),
        })
    }

    /// The process as another engine wrote it.
    pub(super) fn row(
        &mut self,
        output: &Output,
        row: &ProcessRow,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if self.last == Some((row.state, row.tally)) {
            return Ok(());
        }
        self.last = Some((row.state, row.tally));
        let entities = TallyShape::from(row.tally);
        output.line(&Line::Process {
            process: row.id.0,
            state: row.state.name(),
            entities,
            at: rfc3339(now),
        })
    }
}

/// Something happened.
pub(crate) fn event(output: &Output, event: &Event) -> Result<(), Failure> {
    let line = match event {
        Event::Alert { .. } => return alert(output, event),
        Event::Lanes { .. } => return lanes(output, event),
        Event::Process {
            process,
            state,
            tally,
            at,
        } => Line::Process {
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
        } => Line::Started {
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
        } => Line::Step {
            process: process.0,
            execution: execution.0,
            step,
            attempt: *attempt,
            state: state.name(),
            error: error.as_deref(),
            at: rfc3339(*at),
        },
        Event::Settled {
            process,
            execution,
            entity,
            state,
            at,
        } => Line::Settled {
            process: process.0,
            execution: execution.0,
            entity: entity.as_deref(),
            state: state.name(),
            at: rfc3339(*at),
        },
    };
    output.line(&line)
}

/// A process has another number of lanes.
fn lanes(output: &Output, event: &Event) -> Result<(), Failure> {
    match event {
        Event::Lanes {
            process,
            from,
            to,
            reason,
            detail,
            at,
        } => output.line(&Line::Lanes {
            process: process.0,
            from: *from,
            to: *to,
            reason: reason.name(),
            detail,
            at: rfc3339(*at),
        }),
        _ => Ok(()),
    }
}

/// What holds at the end is told there, from the store: it is the same beside another program's engine.
fn alert(output: &Output, event: &Event) -> Result<(), Failure> {
    match event {
        Event::Alert {
            rail: rail @ Rail::AbortWhen,
            process,
            pipeline,
            message,
            at,
        } => output.line(&AlertShape::of(
            *rail,
            *process,
            pipeline,
            message.clone(),
            *at,
        )),
        _ => Ok(()),
    }
}

/// Events came faster than they could be written.
pub(crate) fn lost(output: &Output, count: u64) -> Result<(), Failure> {
    output.line(&Line::Lost { count })
}
