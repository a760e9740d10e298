//! `carril.toml`: where the store and the targets are, beside the pipelines that use them.
//!
//! ```toml
//! store = "carril.db"
//!
//! [targets]
//! warehouse = "sqlite:${env:DATA}/warehouse.db"
//!
//! [engine]
//! lanes = 200
//!
//! [http]
//! allow = ["10.0.0.0/8"]
//!
//! [secrets]
//! geneva = "${env:GENEVA_TOKEN}"
//! ```
//!
//! References to secrets stay as they are written: they are resolved when a target is opened or a step sends one, never here, so that nothing
//! of these settings may not be printed or stored. `docs/reference/config.md` is the reference.

mod engine;
mod keys;
mod procesos;
mod retention;
mod server;

pub use engine::EngineSettings;
pub use procesos::ProcesosSettings;
pub use retention::{RETENTION, retention};
pub use server::ServerSettings;

use crate::http::HttpSettings;
use crate::location::{self, DEFAULT_STORE, Location, UrlError};
use crate::secret;
use carril_engine::Retention;
use carril_model::finding::{Finding, Place};
use carril_model::schema::Table;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

const TOP_HELP: &str = "it has `store` and the tables `[targets]`, `[engine]`, `[retention]`, `[http]`, `[server]` and `[secrets]`";

/// Most bytes of a `carril.toml`; it holds a few lines.
const BYTES_MAX: u64 = 64 * 1024;

/// Where the store and the targets are, and how long what has settled is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The store, if one is named; a file's path is absolute as far as the folder of the file that names it is.
    pub store: Option<Location>,
    /// Where each target is, by name: URLs with absolute paths and unresolved references.
    pub targets: BTreeMap<String, String>,
    /// How long things are kept once their process has settled.
    pub retention: Retention,
    /// What the engine does with all processes together, and how it shares its store: `[engine]`.
    pub engine: EngineSettings,
    /// What HTTP steps may do: `[http]` and `[secrets]`.
    pub http: HttpSettings,
    /// Where `carril serve` listens, and who comes in: `[server]`.
    pub server: ServerSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            store: None,
            targets: BTreeMap::new(),
            retention: RETENTION,
            engine: EngineSettings::default(),
            http: HttpSettings::default(),
            server: ServerSettings::default(),
        }
    }
}

impl Settings {
    /// The name of the file.
    pub const FILE: &str = "carril.toml";

    /// The JSON Schema (draft 2020-12) of the file, for editors: every key with what it means, its type and its limits.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        let about = "Where things are, beside the pipelines that use them. All keys are optional.";
        keys::TOP.schema(Self::FILE, about)
    }

    /// Reads the text of a `carril.toml` that lies in `folder`, which its relative paths are relative to.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place: `CAR0121` for what is not TOML, `CAR0122` for keys and types,
    /// `CAR0123` and `CAR0702` for URLs, `CAR0124` for references.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, Vec<Finding>> {
        let tree = match DeTable::parse(text) {
            Ok(tree) => tree,
            Err(error) => {
                let finding =
                    Finding::error("CAR0121", format!("this is not TOML: {}", error.message()));
                return Err(vec![finding.at(Place::of(
                    Self::FILE,
                    text,
                    error.span().unwrap_or(0..0),
                ))]);
            }
        };
        let mut reader = Reader {
            text,
            folder,
            settings: Self::default(),
            findings: Vec::new(),
        };
        reader.top(tree.get_ref());
        if reader.findings.is_empty() {
            Ok(reader.settings)
        } else {
            Err(reader.findings)
        }
    }

    /// Reads the `carril.toml` of the first of these folders that has one; without any, nothing is set.
    ///
    /// # Errors
    /// As [`Settings::parse`], and `CAR0120` for a file that is there and cannot be read.
    pub fn find(folders: &[&Path]) -> Result<Self, Vec<Finding>> {
        for folder in folders {
            let file = folder.join(Self::FILE);
            match read(&file) {
                Ok(Some(text)) => return Self::parse(&text, folder),
                Ok(None) => {}
                Err(why) => {
                    let finding = Finding::error(
                        "CAR0120",
                        format!("`{}` cannot be read: {why}", file.display()),
                    );
                    return Err(vec![
                        finding.help("make it a readable text file, or take it away"),
                    ]);
                }
            }
        }
        Ok(Self::default())
    }

    /// Sets where a target is, as `--target NAME=URL` says; it goes before what the file says.
    ///
    /// # Errors
    /// [`UrlError`] for an argument without a name or with a URL that is none.
    pub fn set_target(&mut self, argument: &str, folder: &Path) -> Result<(), UrlError> {
        let Some((name, url)) = argument
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
        else {
            return Err(UrlError::Argument {
                argument: argument.to_owned(),
            });
        };
        if let Err(error) = secret::check(url) {
            return Err(UrlError::Target {
                url: url.to_owned(),
                why: error.message,
            });
        }
        self.targets
            .insert(name.to_owned(), location::target_url(url, folder)?);
        Ok(())
    }

    /// Sets where the store is, as `--store URL` says; it goes before what the file says.
    ///
    /// # Errors
    /// [`UrlError::Store`].
    pub fn set_store(&mut self, url: &str, folder: &Path) -> Result<(), UrlError> {
        self.store = Some(Location::of_store(url, folder)?);
        Ok(())
    }

    /// The store: the one that is named, else [`DEFAULT_STORE`] in `folder`.
    #[must_use]
    pub fn store_or_default(&self, folder: &Path) -> Location {
        let default = || Location::File(folder.join(DEFAULT_STORE));
        self.store.clone().unwrap_or_else(default)
    }
}

fn read(file: &Path) -> Result<Option<String>, String> {
    let size = match std::fs::metadata(file) {
        Ok(data) if data.is_file() => data.len(),
        Ok(_) => return Err("it is not a file".to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if size > BYTES_MAX {
        return Err(format!(
            "it has {size} bytes, at most {BYTES_MAX} are taken"
        ));
    }
    std::fs::read_to_string(file)
        .map(Some)
        .map_err(|error| error.to_string())
}

struct Reader<'a> {
    text: &'a str,
    folder: &'a Path,
    settings: Settings,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn top(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            let name: &str = key.get_ref();
            if !self.knows(&keys::TOP, "a carril.toml", key, TOP_HELP) {
                continue;
            }
            match name {
                "store" => self.store(value),
                "targets" => match value.get_ref() {
                    DeValue::Table(targets) => self.targets(targets),
                    _ => self.report(
                        "CAR0122",
                        value.span(),
                        "`targets` is a table",
                        "write `[targets]`, then a line `NAME = \"sqlite:PATH\"` for each",
                    ),
                },
                "retention" => match value.get_ref() {
                    DeValue::Table(kept) => self.retention(kept),
                    _ => self.report(
                        "CAR0122",
                        value.span(),
                        "`retention` is a table",
                        "write `[retention]`, then a line such as `history = \"180d\"`",
                    ),
                },
                "engine" => self.engine(value),
                "http" => self.http(value),
                "server" => self.server(value),
                "secrets" => self.secrets(value),
                _ => {}
            }
        }
    }

    fn store(&mut self, value: &Spanned<DeValue<'_>>) {
        let DeValue::String(url) = value.get_ref() else {
            return self.report(
                "CAR0122",
                value.span(),
                "`store` is a text",
                "write `store = \"carril.db\"`",
            );
        };
        if !self.refers_well(value, url) {
            return;
        }
        match location::written_store(url, self.folder) {
            Ok(store) => self.settings.store = Some(store),
            Err(error) => self
                .findings
                .push(Finding::error(error.code(), error.to_string()).at(self.place(value.span()))),
        }
    }

    /// Whether the references in a URL are written as they are to be; tells what is wrong.
    fn refers_well(&mut self, value: &Spanned<DeValue<'_>>, url: &str) -> bool {
        let Err(error) = secret::check(url) else {
            return true;
        };
        // The value stands behind its quote; with escapes in it the caret may be off, the line is right.
        let start = value.span().start + 1;
        let range = start + error.range.start..start + error.range.end;
        let help = "a reference is replaced when its URL is opened, and never stored or printed";
        self.report("CAR0124", range, error.message, help);
        false
    }

    fn targets(&mut self, targets: &DeTable<'_>) {
        for (key, value) in targets {
            let name: &str = key.get_ref();
            let DeValue::String(url) = value.get_ref() else {
                let message = format!("where target `{name}` is must be a text");
                self.report(
                    "CAR0122",
                    value.span(),
                    message,
                    "write `NAME = \"sqlite:PATH\"`",
                );
                continue;
            };
            if !self.refers_well(value, url) {
                continue;
            }
            match location::target_url(url, self.folder) {
                Ok(url) => drop(self.settings.targets.insert(name.to_owned(), url)),
                Err(error) => self.findings.push(
                    Finding::error(error.code(), error.to_string()).at(self.place(value.span())),
                ),
            }
        }
    }

    fn retention(&mut self, kept: &DeTable<'_>) {
        for (key, value) in kept {
            let name: &str = key.get_ref();
            if !self.knows(
                &keys::RETENTION,
                "`[retention]`",
                key,
                "it has `history` and `workspaces`",
            ) {
                continue;
            }
            let place = match name {
                "history" => &mut self.settings.retention.history,
                _ => &mut self.settings.retention.workspaces,
            };
            let read = match value.get_ref() {
                DeValue::String(text) => retention::retention(text),
                _ => Err("it is a text: `180d`, `12h`, `forever`".to_owned()),
            };
            match read {
                Ok(kept) => *place = kept,
                Err(help) => {
                    let message = format!("how long `{name}` is kept cannot be read");
                    self.report("CAR0122", value.span(), message, &help);
                }
            }
        }
    }

    fn http(&mut self, value: &Spanned<DeValue<'_>>) {
        const HELP: &str =
            "write `[http]`, then `allow = [\"10.0.0.0/8\", \"billing.internal:8080\"]`";
        let DeValue::Table(table) = value.get_ref() else {
            return self.report("CAR0122", value.span(), "`http` is a table", HELP);
        };
        for (key, value) in table {
            if !self.knows(&keys::HTTP, "`[http]`", key, HELP) {
                continue;
            }
            let DeValue::Array(entries) = value.get_ref() else {
                self.report("CAR0122", value.span(), "`allow` is a list of texts", HELP);
                continue;
            };
            for entry in entries {
                let DeValue::String(text) = entry.get_ref() else {
                    self.report("CAR0122", entry.span(), "a place is a text", HELP);
                    continue;
                };
                match self.settings.http.clone().allow(text) {
                    Ok(http) => self.settings.http = http,
                    Err(error) => {
                        self.report("CAR0122", entry.span(), error.to_string(), HELP);
                    }
                }
            }
        }
    }

    fn secrets(&mut self, value: &Spanned<DeValue<'_>>) {
        const HELP: &str = "write `[secrets]`, then a line `NAME = \"${env:VARIABLE}\"` for each";
        let DeValue::Table(table) = value.get_ref() else {
            return self.report("CAR0122", value.span(), "`secrets` is a table", HELP);
        };
        for (key, value) in table {
            let name: &str = key.get_ref();
            let DeValue::String(text) = value.get_ref() else {
                let message = format!("the secret `{name}` must be a text");
                self.report("CAR0122", value.span(), message, HELP);
                continue;
            };
            match self.settings.http.clone().secret(name, text.as_ref()) {
                Ok(http) => self.settings.http = http,
                Err(error) => {
                    let mut place = self.place(key.span());
                    // The line itself may hold what nobody should see.
                    place.source = format!("{name} = …");
                    let finding = Finding::error("CAR0124", error.to_string());
                    self.findings.push(finding.help(HELP).at(place));
                }
            }
        }
    }

    /// Whether the table has this key; says so where it has not.
    fn knows(
        &mut self,
        table: &Table,
        what: &str,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        help: &str,
    ) -> bool {
        let name: &str = key.get_ref();
        if !table.has(name) {
            let message = format!("there is no key `{name}` in {what}");
            self.report("CAR0122", key.span(), message, help);
        }
        table.has(name)
    }

    fn report(&mut self, code: &str, range: Range<usize>, message: impl Into<String>, help: &str) {
        let finding = Finding::error(code, message)
            .help(help)
            .at(self.place(range));
        self.findings.push(finding);
    }

    fn place(&self, range: Range<usize>) -> Place {
        Place::of(Settings::FILE, self.text, range)
    }
}

#[cfg(test)]
mod tests;
