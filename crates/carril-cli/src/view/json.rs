//! Events as JSON lines on stdout, in shapes of our own. The summary is the last line and not written here.

use crate::failure::Failure;
use crate::output::Output;
use carril::event::{Event, Rail};
use carril::model::contract::{ProcessRow, Tally};
use carril::model::state::ProcessState;
use carril::model::time::Timestamp;
use carril::shape::{AlertShape, EventShape, ProcessShape, TallyShape, rfc3339};

/// What was written last about a process that another engine runs; it is only looked at, and most looks tell nothing new.
#[derive(Debug, Default)]
pub(super) struct Json {
    last: Option<(ProcessState, Tally)>,
}

impl Json {
    /// A process is followed from now on.
    pub(super) fn begin(
        &mut self,
        output: &Output,
        row: &ProcessRow,
        how: &'static str,
    ) -> Result<(), Failure> {
        output.line(&EventShape::Begin {
            how,
            process: Box::new(ProcessShape::of(row, 0)),
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
        output.line(&EventShape::Process {
            process: row.id.0,
            state: row.state.name(),
            entities,
            at: rfc3339(now),
        })
    }
}

/// Something happened.
pub(crate) fn event(output: &Output, event: &Event) -> Result<(), Failure> {
    match EventShape::of(event) {
        Some(line) => output.line(&line),
        None => alert(output, event),
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
    output.line(&EventShape::Lost { count })
}
