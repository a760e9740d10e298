//! Where words go: results to stdout, talk to stderr, colours only where they are wanted.
//!
//! Texts are built with colours in them and stripped on their way out. A reader that closed its end early (`| head`) is no
//! error: the rest is dropped, and work goes on.

use crate::arguments::{Color, Global};
use crate::failure::Failure;
use crate::findings;
use anstream::{AutoStream, ColorChoice};
use carril::shape::FindingShape;
use serde::Serialize;
use std::io::{ErrorKind, IsTerminal, Write};

pub(crate) mod number;
pub(crate) mod paint;
pub(crate) mod table;
pub(crate) mod time;

/// How this command talks.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    color: ColorChoice,
    live: bool,
    interactive: bool,
}

impl Output {
    /// As the flags say; with `plain_lines` no picture is drawn.
    pub(crate) fn new(global: &Global, plain_lines: bool) -> Self {
        let color = match global.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        let talks = !global.quiet && !global.json && !global.verbose;
        Self {
            json: global.json,
            quiet: global.quiet,
            color,
            live: talks && !plain_lines && std::io::stderr().is_terminal(),
            interactive: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
        }
    }

    /// Whether results are wanted as JSON.
    pub(crate) const fn json(&self) -> bool {
        self.json
    }

    /// Whether only results and errors are wanted.
    pub(crate) const fn quiet(&self) -> bool {
        self.quiet
    }

    /// Whether a person watches, so that a bar may be drawn and redrawn.
    pub(crate) const fn live(&self) -> bool {
        self.live
    }

    /// Whether somebody can be asked.
    pub(crate) const fn interactive(&self) -> bool {
        self.interactive
    }

    /// Writes a result for people.
    pub(crate) fn data(&self, text: &str) -> Result<(), Failure> {
        let mut out = AutoStream::new(std::io::stdout(), self.choice(&std::io::stdout()));
        passed(writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush()))
    }

    /// Writes one JSON value on a line of its own, or over several lines where it is all there is.
    pub(crate) fn value(&self, value: &impl Serialize) -> Result<(), Failure> {
        self.written(serde_json::to_string_pretty(value))
    }

    /// Writes one JSON value as one line among others.
    pub(crate) fn line(&self, value: &impl Serialize) -> Result<(), Failure> {
        self.written(serde_json::to_string(value))
    }

    fn written(&self, text: serde_json::Result<String>) -> Result<(), Failure> {
        let text = text.map_err(|error| {
            Failure::internal(format!("cannot write the answer as JSON: {error}"))
        })?;
        let mut out = std::io::stdout().lock();
        passed(writeln!(out, "{text}").and_then(|()| out.flush()))
    }

    /// Says something on stderr, unless told to be quiet.
    pub(crate) fn talk(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// Says something on stderr that must be said.
    pub(crate) fn say(&self, text: &str) {
        let mut out = AutoStream::new(std::io::stderr(), self.choice(&std::io::stderr()));
        // Whoever closed stderr does not want to know.
        let _ = writeln!(out, "{}", text.trim_end_matches('\n'));
    }

    /// Whether what is drawn on stderr may have colours.
    pub(crate) fn colours_stderr(&self) -> bool {
        !matches!(self.choice(&std::io::stderr()), ColorChoice::Never)
    }

    /// A text for somebody else's drawing on stderr, with colours only where they are wanted.
    pub(crate) fn for_stderr(&self, text: &str) -> String {
        if self.colours_stderr() {
            text.to_owned()
        } else {
            anstream::adapter::strip_str(text).to_string()
        }
    }

    /// Says on stderr why the command ends early: `error[CARnnnn]: …`, or one JSON object.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.json {
            let text = serde_json::to_string(&ErrorShape::of(failure));
            // Texts and numbers always become JSON.
            self.say(&text.unwrap_or_default());
            return;
        }
        if !failure.findings.is_empty() {
            let text = format!(
                "{}\n\n{}{}",
                findings::draw(&failure.findings),
                paint::error("error"),
                paint::bold(&format!(": {}", failure.message))
            );
            return self.say(&text);
        }
        let mut text = format!(
            "{}{} {}",
            paint::error(&format!("error[{}]", failure.code)),
            paint::bold(":"),
            paint::bold(&failure.message)
        );
        if let Some(help) = &failure.help {
            text.push_str(&format!("\n  {} {help}", paint::help("help:")));
        }
        self.say(&text);
    }

    /// What a stream gets: as told, else colours only on a terminal.
    fn choice(&self, stream: &impl anstream::stream::RawStream) -> ColorChoice {
        match self.color {
            ColorChoice::Auto => AutoStream::choice(stream),
            other => other,
        }
    }
}

/// An error as `--json` has it on stderr.
#[derive(Debug, Serialize)]
struct ErrorShape<'a> {
    error: ErrorBody<'a>,
}

#[derive(Debug, Serialize)]
struct ErrorBody<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    exit: u8,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<FindingShape<'a>>,
}

impl<'a> ErrorShape<'a> {
    fn of(failure: &'a Failure) -> Self {
        Self {
            error: ErrorBody {
                code: &failure.code,
                message: &failure.message,
                help: failure.help.as_deref(),
                exit: failure.exit.code(),
                findings: carril::shape::findings(&failure.findings),
            },
        }
    }
}

fn passed(result: std::io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::internal(format!(
            "cannot write to stdout: {error}"
        ))),
        _ => Ok(()),
    }
}
