//! Reads the tree of a `pipeline.toml` into a definition and reports what has the wrong shape.
//!
//! Shape is all that is looked at: types, keys, the form of a duration, files that must be there. What a part that could not
//! be read stands for is its default, so that reading goes on and tells everything at once. What names mean is decided in
//! [`super::check`].

mod fields;
mod goal;
mod http;
pub(super) mod keys;
mod resources;
mod sections;
mod steps;

use super::places::{Places, join};
use super::similar::{nearest, suggestion};
use super::{Files, values};
use crate::definition::{Definition, SqlText};
use crate::finding::Finding;
use crate::schema::Table;
use std::collections::BTreeSet;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads the whole tree; also gives the paths of keys that are there under a name a slip away.
pub(super) fn definition(
    tree: &DeTable<'_>,
    places: &Places,
    files: &dyn Files,
) -> (Definition, Vec<Finding>, BTreeSet<String>) {
    let mut reader = Reader {
        places,
        files,
        findings: Vec::new(),
        misspelt: BTreeSet::new(),
    };
    let top = reader.section(String::new(), tree, &keys::TOP);
    let defaults = reader.defaults(&top);
    let entities = reader.entities(&top);
    let workspace = reader.workspace(&top, &entities);
    let target = workspace
        .as_ref()
        .map(|workspace| workspace.target.clone())
        .or_else(|| sections::default_target(&entities));
    let definition = Definition {
        name: reader
            .required_text(
                &top,
                "name",
                "it is what `carril ps` shows, as in `name = \"fund-report\"`",
            )
            .unwrap_or_else(|| "unnamed".to_owned()),
        description: reader.text(&top, "description"),
        params: reader.params(&top),
        entities,
        lanes: reader.lanes(&top),
        workspace,
        resources: reader.resources(&top),
        goal: reader.goal(&top),
        stages: reader.stages(&top, &defaults, target.as_deref()),
    };
    (definition, reader.findings, reader.misspelt)
}

struct Reader<'a> {
    places: &'a Places,
    files: &'a dyn Files,
    findings: Vec<Finding>,
    /// Paths of keys that are there under a name that is a slip away; that they are not there is not told as well.
    misspelt: BTreeSet<String>,
}

/// A table and where it is.
struct Section<'t> {
    path: String,
    table: &'t DeTable<'t>,
}

impl<'t> Section<'t> {
    fn get(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.table.get(key)
    }

    fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }
}

impl Reader<'_> {
    /// A table whose keys are known; the others are reported.
    fn section<'t>(
        &mut self,
        path: String,
        table: &'t DeTable<'t>,
        known: &'static Table,
    ) -> Section<'t> {
        for (key, _) in table {
            let written: &str = key.get_ref();
            if !known.has(written) && !self.is_full() {
                let what = if path.is_empty() {
                    "a pipeline".to_owned()
                } else {
                    format!("`{}`", readable(&path))
                };
                let finding =
                    Finding::error("CAR0102", format!("there is no key `{written}` in {what}"));
                let finding = finding.maybe_help(suggestion(written, known.names()));
                let missing = known.names().filter(|key| table.get(*key).is_none());
                if let Some(meant) = nearest(written, missing) {
                    self.misspelt.insert(join(&path, meant));
                }
                self.findings
                    .push(finding.maybe_at(self.places.range(key.span())));
            }
        }
        Section { path, table }
    }

    /// Whether a key is not there, under a name that is nearly its own neither.
    fn lacks(&self, section: &Section<'_>, key: &str) -> bool {
        section.get(key).is_none() && !self.misspelt.contains(&section.path_of(key))
    }

    /// Whether so much is wrong already that nothing more is told.
    fn is_full(&self) -> bool {
        self.findings.len() >= super::FINDINGS_MAX
    }

    fn report(
        &mut self,
        path: &str,
        code: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if !self.is_full() {
            self.findings.push(
                Finding::error(code, message)
                    .help(help)
                    .maybe_at(self.places.at(path)),
            );
        }
    }

    /// SQL: a file's, or in place where the value has a blank or a line break.
    fn sql(&mut self, section: &Section<'_>, key: &str) -> Option<SqlText> {
        let path = section.path_of(key);
        let written = self.text(section, key)?;
        if written.contains(char::is_whitespace) {
            let looks_like_a_file =
                !written.trim().contains('\n') && written.trim().ends_with(".sql");
            if looks_like_a_file {
                self.report(
                    &path,
                    "CAR0107",
                    format!("{written:?} looks like a file, but has a blank in it"),
                    "a text with a blank is taken for SQL; name the file without blanks",
                );
                return None;
            }
            return Some(SqlText {
                file: super::ENTRY.to_owned(),
                start: self.places.start(&path),
                text: written,
            });
        }
        let file = match values::path(&written) {
            Ok(file) => file,
            Err(problem) => {
                self.report(
                    &path,
                    "CAR0107",
                    problem,
                    "name a file below the folder, as in `sql/report.sql`",
                );
                return None;
            }
        };
        match self.files.read(&file) {
            Ok(Some(text)) => Some(SqlText::of_file(file, text)),
            Ok(None) => {
                let help = no_file_help(&file);
                self.report(&path, "CAR0106", format!("there is no file `{file}`"), help);
                None
            }
            Err(why) => {
                self.report(
                    &path,
                    "CAR0106",
                    format!("`{file}` cannot be read: {why}"),
                    "it must be a readable file with UTF-8 text",
                );
                None
            }
        }
    }
}

/// How to see the files that there are.
fn no_file_help(path: &str) -> String {
    let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
    format!(
        "make that file, or name one that is there: `ls {folder}` in the folder of `pipeline.toml` lists them; SQL in place has a blank or a line break in it"
    )
}

/// `stage/0/step/1` as people count: `stage.step`.
fn readable(path: &str) -> String {
    let words: Vec<&str> = path
        .split('/')
        .filter(|part| !part.bytes().all(|byte| byte.is_ascii_digit()))
        .collect();
    words.join(".")
}
