//! `carril doctor`: whether all is well with the machine, the store, the targets and the pipeline, one line each, with what to do
//! where something is not. Changes nothing, makes nothing, takes no lock.

use crate::arguments::Pipeline;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::paint::{self, Tone};
use serde::Serialize;

mod around;
mod store;

/// How well something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// As it should be.
    Well,
    /// Work goes on, and somebody should look at it.
    Warning,
    /// Work fails, or will.
    Fault,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    level: Level,
    about: &'static str,
    said: String,
    /// What to do about it.
    todo: Option<String>,
    #[serde(skip)]
    exit: Exit,
}

impl Line {
    pub(crate) fn well(about: &'static str, said: impl Into<String>) -> Self {
        Self::new(Level::Well, about, said.into(), None, Exit::Ok)
    }

    pub(crate) fn warning(
        about: &'static str,
        said: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Self::new(
            Level::Warning,
            about,
            said.into(),
            Some(todo.into()),
            Exit::Ok,
        )
    }

    pub(crate) fn fault(
        about: &'static str,
        exit: Exit,
        said: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Self::new(Level::Fault, about, said.into(), Some(todo.into()), exit)
    }

    /// A failure of some command, as a line.
    pub(crate) fn of(about: &'static str, failure: &Failure, todo: &str) -> Self {
        let said = format!("{} [{}]", failure.message, failure.code);
        let todo = failure.help.clone().unwrap_or_else(|| todo.to_owned());
        Self::fault(about, failure.exit, said, todo)
    }

    fn new(
        level: Level,
        about: &'static str,
        said: String,
        todo: Option<String>,
        exit: Exit,
    ) -> Self {
        Self {
            level,
            about,
            said,
            todo,
            exit,
        }
    }
}

#[derive(Debug, Serialize)]
struct Shape<'a> {
    worst: Level,
    exit: u8,
    lines: &'a [Line],
}

/// Looks at everything, and ends with the exit code of the first fault.
pub(crate) async fn run(context: &Context, arguments: &Pipeline) -> Result<Exit, Failure> {
    let mut lines = vec![Line::well(
        "carril",
        format!(
            "version {} on {} {}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
    )];
    let settings = around::settings(context, arguments, &mut lines)?;
    let store = context.store_of(&settings);
    store::look(context, &store, &settings, &mut lines).await;
    around::targets(context, &store, &settings, &mut lines).await;
    around::secrets(context, &store, &settings, &mut lines);
    around::pipeline(context, arguments, &mut lines).await;
    tell(context, &lines)
}

fn tell(context: &Context, lines: &[Line]) -> Result<Exit, Failure> {
    let worst = lines.iter().map(|line| line.level).max();
    let worst = worst.unwrap_or(Level::Well);
    let first = lines.iter().find(|line| line.level == Level::Fault);
    let exit = first.map_or(Exit::Ok, |line| line.exit);
    if context.output.json() {
        context.output.value(&Shape {
            worst,
            exit: exit.code(),
            lines,
        })?;
        return Ok(exit);
    }
    let shown = lines
        .iter()
        .filter(|line| !context.output.quiet() || line.level > Level::Well);
    let drawn: Vec<String> = shown.map(draw).collect();
    if !drawn.is_empty() {
        context.output.data(&drawn.join("\n"))?;
    }
    Ok(exit)
}

fn draw(line: &Line) -> String {
    let (mark, tone) = match line.level {
        Level::Well => ("✓", Tone::Good),
        Level::Warning => ("!", Tone::Doubtful),
        Level::Fault => ("✗", Tone::Bad),
    };
    let mark = paint::tone(tone, mark);
    let todo = line.todo.as_ref().map_or_else(String::new, |todo| {
        format!("\n  {:14} {} {todo}", "", paint::help("→"))
    });
    format!("{mark} {:14} {}{todo}", line.about, line.said)
}
