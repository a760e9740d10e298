//! From text to a definition that can be run, or to everything that is wrong with it.
//!
//! ```text
//! pipeline.toml ─ syntax ─ read (types, keys, files) ─┐
//!                                                     ├─ Definition ─ check (names, values, SQL) ─ findings
//! Rust builder ───────────────────────────────────────┘
//! ```
//!
//! Every rule about what a definition may say is in [`check()`] once, for files and builders alike; reading a file only adds
//! what a file can get wrong and a Rust type cannot. Nothing here does I/O: whoever loads gives the texts. What only a
//! database can tell (tables, columns, what a statement writes) is asked by others and judged here: [`shared_rows`],
//! [`check_attributes`], [`check_outputs`].

mod attributes;
mod check;
mod outputs;
mod parameters;
mod places;
mod read;
mod render;
mod shared;
mod similar;
mod values;

pub use attributes::{AssumedAttribute, check_attributes};
pub use check::check;
pub use outputs::{UsedOutput, check_outputs};
pub use parameters::parameters;
pub use places::Places;
pub use shared::{shared_rows, static_inspection};
pub use similar::suggestion;
pub use values::name_problem;

use crate::definition::Definition;
use crate::finding::{Finding, Place, Severity};
use std::collections::BTreeSet;
use toml::de::DeTable;

/// The file that a pipeline starts with.
pub const ENTRY: &str = "pipeline.toml";

/// Most bytes of the pipeline file; SQL files have their own limit, [`crate::sql::SQL_BYTES_MAX`] each.
pub const PIPELINE_BYTES_MAX: usize = 1024 * 1024;

/// Most findings that are told; more than a screen of them helps nobody, and a broken file may hold a million.
pub const FINDINGS_MAX: usize = 200;

/// Gives the texts of a pipeline's folder.
pub trait Files {
    /// The text of a file; `None` when there is none.
    ///
    /// `path` is relative to the pipeline's folder, has `/` between its parts, and never leaves the folder.
    ///
    /// # Errors
    /// Why a file that is there cannot be read: permission, not UTF-8, a folder.
    fn read(&self, path: &str) -> Result<Option<String>, String>;
}

/// What loading gave.
#[derive(Debug)]
pub struct Loaded {
    /// The definition, if no finding is an error.
    pub definition: Option<Definition>,
    /// Everything found, in the order of the files.
    pub findings: Vec<Finding>,
    /// Names taken for attributes of the entities, which only the columns of the entities query can confirm.
    pub assumed_attributes: Vec<AssumedAttribute>,
    /// Fields of the outputs of SQL steps that later steps use, which only the columns of those steps can confirm.
    pub used_outputs: Vec<UsedOutput>,
    /// Where each part of the definition is written, for findings that come later.
    pub places: Places,
}

impl Loaded {
    /// Whether a finding stops a launch.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        has_errors(&self.findings)
    }
}

/// The JSON Schema (draft 2020-12) of a `pipeline.toml`, for editors: every key with what it means, its type, its words and
/// its limits. It refuses what shows in one table; what names mean is told by [`parse`].
#[must_use]
pub fn schema() -> serde_json::Value {
    read::keys::TOP.schema(
        "pipeline.toml",
        "A pipeline of Carril: the same stages for many entities, each in a lane of its own.",
    )
}

/// Reads and checks the pipeline of a folder.
#[must_use]
pub fn parse(files: &dyn Files) -> Loaded {
    let text = match entry(files) {
        Ok(text) => text,
        Err(finding) => return failed(vec![finding], Places::default()),
    };
    let (tree, errors) = DeTable::parse_recoverable(&text);
    let places = Places::of(ENTRY, &text, tree.get_ref());
    if !errors.is_empty() {
        return failed(syntax_findings(&errors, &places), places);
    }
    let (definition, mut findings, misspelt) = read::definition(tree.get_ref(), &places, files);
    // A part that could not be read stands in the definition as its default; what is then said about it misleads.
    let wrong: Vec<Option<Place>> = findings
        .iter()
        .map(|finding| finding.place.clone())
        .collect();
    let checked = check::with_places(&definition, &places);
    findings.extend(
        checked
            .findings
            .into_iter()
            .filter(|finding| !same_start(&wrong, finding))
            .filter(|finding| finding.code != "CAR0214" || !misspelt.contains("stage")),
    );
    let findings = in_order(findings);
    let definition = if has_errors(&findings) {
        None
    } else {
        Some(definition)
    };
    Loaded {
        definition,
        findings,
        assumed_attributes: checked.attributes,
        used_outputs: checked.outputs,
        places,
    }
}

fn entry(files: &dyn Files) -> Result<String, Finding> {
    match files.read(ENTRY) {
        Err(why) => Err(Finding::error(
            "CAR0106",
            format!("`{ENTRY}` cannot be read: {why}"),
        )),
        Ok(None) => Err(
            Finding::error("CAR0106", format!("there is no `{ENTRY}` in this folder"))
                .help("name the folder that holds it; `carril init DIR` makes a new one"),
        ),
        Ok(Some(text)) if text.len() > PIPELINE_BYTES_MAX => {
            let message = format!(
                "`{ENTRY}` has {} bytes, at most {PIPELINE_BYTES_MAX} are taken",
                text.len()
            );
            Err(Finding::error("CAR0108", message)
                .help("keep SQL in files of its own and data in tables"))
        }
        Ok(Some(text)) => Ok(text),
    }
}

fn failed(findings: Vec<Finding>, places: Places) -> Loaded {
    Loaded {
        definition: None,
        findings: in_order(findings),
        assumed_attributes: Vec::new(),
        used_outputs: Vec::new(),
        places,
    }
}

/// The first mistake of each line; those behind it are mostly its consequences.
fn syntax_findings(errors: &[toml::de::Error], places: &Places) -> Vec<Finding> {
    let mut lines = BTreeSet::new();
    let mut findings = Vec::new();
    for error in errors.iter().take(FINDINGS_MAX) {
        let place = places.range(error.span().unwrap_or(0..0));
        if lines.insert(place.as_ref().map(|place| place.line)) {
            let finding =
                Finding::error("CAR0101", format!("this is not TOML: {}", error.message()));
            findings.push(finding.help(syntax_help(error.message())).maybe_at(place));
        }
    }
    findings
}

fn syntax_help(message: &str) -> &'static str {
    let helps = [
        (
            "duplicate key",
            "a key stands once in its table; a list of tables is written `[[stage]]`",
        ),
        (
            "string values must be quoted",
            "text stands in quotes: `name = \"fund-report\"`",
        ),
        (
            "missing comma",
            "put a comma between the entries of a list or table in braces",
        ),
        (
            "unclosed table",
            "a table's name ends with `]`, that of a list of tables with `]]`",
        ),
        (
            "invalid basic string",
            "a text ends on its line with the quote that it began with",
        ),
        (
            "invalid literal string",
            "a text ends on its line with the quote that it began with",
        ),
        (
            "key with no value",
            "a key and its value are parted by `=`, and text stands in quotes: `name = \"fund-report\"`",
        ),
        ("unclosed array", "a list ends with `]`"),
        ("unclosed inline table", "a table in braces ends with `}`"),
    ];
    let known = helps.iter().find(|(part, _)| message.contains(part));
    known.map_or(
        "one `key = value` stands on a line of its own, below the `[table]` that it belongs to",
        |(_, help)| help,
    )
}

fn same_start(places: &[Option<Place>], finding: &Finding) -> bool {
    let start = |place: &Place| (place.file.clone(), place.line, place.column);
    let Some(own) = finding.place.as_ref().map(start) else {
        return false;
    };
    places.iter().flatten().any(|place| start(place) == own)
}

fn has_errors(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
}

/// In the order of the files, the pipeline file first; at most [`FINDINGS_MAX`].
fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_cached_key(|finding| {
        finding.place.as_ref().map(|place| {
            (
                place.file != ENTRY,
                place.file.clone(),
                place.line,
                place.column,
            )
        })
    });
    findings.truncate(FINDINGS_MAX);
    findings
}

impl Finding {
    /// The same with its place, if it has one.
    #[must_use]
    pub(crate) fn maybe_at(self, place: Option<Place>) -> Self {
        Self { place, ..self }
    }

    /// The same with what would be right, if that is known.
    #[must_use]
    pub(crate) fn maybe_help(self, help: Option<String>) -> Self {
        Self { help, ..self }
    }
}
