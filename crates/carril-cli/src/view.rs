//! What whoever watches sees while a process runs: a picture that moves, plain lines, JSON lines, or nothing.
//!
//! Views only draw. They are told events by the engine of this program, or rows by whoever reads the history of another's.

use crate::failure::Failure;
use crate::follow::Seen;
use crate::output::Output;
use carril::event::{Event, Rail};
use carril::model::contract::{History, ProcessRow};
use carril::model::id::ProcessId;
use carril::model::time::Timestamp;

mod failures;
pub(crate) mod json;
mod lines;
mod live;
mod waiting;

use json::Json;
use lines::Lines;
use live::Live;
use waiting::Waiting;

/// How a process is watched.
pub(crate) struct View {
    output: Output,
    kind: Kind,
    waiting: Waiting,
}

enum Kind {
    Silent,
    Lines(Lines),
    Live(Box<Live>),
    Json(Json),
}

impl View {
    /// As the flags and the terminal say.
    pub(crate) fn new(output: &Output) -> Self {
        let kind = if output.quiet() {
            Kind::Silent
        } else if output.json() {
            Kind::Json(Json::default())
        } else if output.live() {
            Kind::Live(Box::new(Live::new(output)))
        } else {
            Kind::Lines(Lines::default())
        };
        Self {
            output: output.clone(),
            kind,
            waiting: Waiting::default(),
        }
    }

    /// The same for a command whose JSON is one object: people see the process, programs only the end.
    pub(crate) fn for_one_answer(output: &Output) -> Self {
        let view = Self::new(output);
        match view.kind {
            Kind::Json(_) => Self {
                kind: Kind::Silent,
                ..view
            },
            _ => view,
        }
    }

    /// Whether the engine should tell it events.
    pub(crate) const fn wants_events(&self) -> bool {
        !matches!(self.kind, Kind::Silent)
    }

    /// Whether it wants to look at the store now and then.
    pub(crate) const fn glances(&self) -> bool {
        matches!(self.kind, Kind::Live(_) | Kind::Lines(_))
    }

    /// Says something to people, above the picture if there is one.
    pub(crate) fn say(&self, text: &str) {
        match &self.kind {
            Kind::Live(live) => live.above(|| self.output.talk(text)),
            Kind::Silent | Kind::Lines(_) | Kind::Json(_) => self.output.talk(text),
        }
    }

    /// A process is followed from now on; `how` is `launched`, `resumed` and so on.
    pub(crate) fn begin(&mut self, row: &ProcessRow, how: &'static str) -> Result<(), Failure> {
        match &mut self.kind {
            Kind::Live(live) => live.begin(row),
            Kind::Json(json) => return json.begin(&self.output, row, how),
            Kind::Silent | Kind::Lines(_) => {}
        }
        Ok(())
    }

    /// Something happened; only what is about `process` is shown.
    pub(crate) fn event(&mut self, process: ProcessId, seen: &Seen) -> Result<(), Failure> {
        let event = match seen {
            Seen::Event(event) if of(event) != Some(process) => return Ok(()),
            Seen::Event(event) => event,
            Seen::Lost(count) => {
                return match &self.kind {
                    Kind::Json(_) => json::lost(&self.output, *count),
                    _ => Ok(()),
                };
            }
        };
        if let (
            Event::Alert {
                rail: Rail::AbortWhen,
                message,
                ..
            },
            false,
        ) = (event, matches!(self.kind, Kind::Json(_) | Kind::Silent))
        {
            self.say(message);
        }
        if let (
            Event::Lanes {
                from, to, detail, ..
            },
            false,
        ) = (event, matches!(self.kind, Kind::Json(_) | Kind::Silent))
        {
            self.say(&format!("{to} lanes instead of {from}: {detail}"));
        }
        match &mut self.kind {
            Kind::Json(_) => json::event(&self.output, event)?,
            Kind::Lines(lines) => {
                if let Some(line) = lines.event(event) {
                    self.output.talk(&line);
                }
            }
            Kind::Live(live) => {
                let line = live.event(event);
                if let Some(line) = line {
                    self.say(&line);
                }
            }
            Kind::Silent => {}
        }
        Ok(())
    }

    /// The process is so now, as another program's engine wrote it.
    pub(crate) fn row(&mut self, row: &ProcessRow, now: Timestamp) -> Result<(), Failure> {
        match &mut self.kind {
            Kind::Json(json) => json.row(&self.output, row, now)?,
            Kind::Lines(lines) => lines.tally(&row.tally),
            Kind::Live(live) => live.tally(&row.tally),
            Kind::Silent => {}
        }
        Ok(())
    }

    /// A look at the store.
    pub(crate) async fn glance(
        &mut self,
        history: &dyn History,
        process: ProcessId,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if !self.glances() {
            return Ok(());
        }
        let (waiting, all_wait) = self.waiting.glance(history, process, now).await?;
        if let Some(all_wait) = all_wait {
            self.say(&all_wait);
        }
        match &mut self.kind {
            Kind::Live(live) => live.glance(history, process, waiting, now).await?,
            Kind::Lines(lines) => {
                if let Some(line) = lines.glance(waiting, now) {
                    self.output.talk(&line);
                }
            }
            Kind::Silent | Kind::Json(_) => {}
        }
        Ok(())
    }

    /// Nothing more comes; the picture goes.
    pub(crate) fn finish(&mut self) {
        if let Kind::Live(live) = &mut self.kind {
            live.finish();
        }
    }
}

/// The process that an event is about.
const fn of(event: &Event) -> Option<ProcessId> {
    match event {
        Event::Alert { process, .. } => *process,
        Event::Process { process, .. }
        | Event::Started { process, .. }
        | Event::Step { process, .. }
        | Event::Lanes { process, .. }
        | Event::Settled { process, .. } => Some(*process),
    }
}
