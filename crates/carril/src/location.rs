//! Where stores, targets and pipelines are: URLs and paths as people write them, turned into files and into what is stored.
//!
//! Only text is looked at here; nothing is opened. A relative path is relative to the folder that the caller names, and a target's
//! URL and a pipeline's folder are made absolute before they are stored, so that they mean the same for whoever goes on with the process.

use carril_model::definition::{Action, Definition};
use carril_postgres::address::{passwords, without_password};
use std::path::{Path, PathBuf};

/// The store where nobody names another: in the folder that relative paths are relative to.
pub const DEFAULT_STORE: &str = "carril.db";

const SQLITE: &str = "sqlite";

/// What is wrong with a password in a file that people copy, commit and mail.
const WRITTEN_OUT: &str = "its password is written out, for all who read the file; write a reference instead, `postgres://USER:${env:NAME}@HOST/DATABASE` or `${file:PATH}`";

/// Why a store's or target's URL is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The store's.
    #[error(
        "`{url}` names no store: {why}; a store is a file, `carril.db` or `sqlite:carril.db`, or `postgres://USER@HOST/DATABASE`"
    )]
    Store {
        /// As written.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A target's.
    #[error(
        "`{url}` is no URL of a target: {why}; write `sqlite:PATH`, for instance `sqlite:warehouse.db`, or `postgres://USER@HOST/DATABASE`"
    )]
    Target {
        /// As written.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A `--target` that is not `NAME=URL`.
    #[error(
        "`{argument}` does not say where a target is; write NAME=URL, for instance `warehouse=sqlite:warehouse.db`"
    )]
    Argument {
        /// As written.
        argument: String,
    },
    /// The folder of a pipeline with command steps.
    #[error(
        "the folder {folder:?} cannot be kept with the process, so its commands could not go on there: {why}; name the folder by an absolute path in UTF-8"
    )]
    Folder {
        /// As given.
        folder: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl UrlError {
    /// `CARnnnn`; its page is `docs/errors/CARnnnn.md`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Store { .. } => "CAR0702",
            Self::Target { .. } => "CAR0123",
            Self::Argument { .. } => "CAR0125",
            Self::Folder { .. } => "CAR0126",
        }
    }
}

/// Where a store or a target is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// In a file.
    File(PathBuf),
    /// On a PostgreSQL server, by its URL as it was written: it may have a password in it, or references to one.
    Postgres(String),
}

impl std::fmt::Debug for Location {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.shown())
    }
}

impl Location {
    /// Where a store is: a path, `sqlite:PATH` or `postgres://USER@HOST/DATABASE`. A relative path is relative to `folder`;
    /// references to secrets stay as they are.
    ///
    /// # Errors
    /// [`UrlError::Store`].
    pub fn of_store(url: &str, folder: &Path) -> Result<Self, UrlError> {
        let path = match kind(url) {
            Kind::None => url,
            Kind::Sqlite(path) => path,
            Kind::Postgres => return Ok(Self::Postgres(url.to_owned())),
            Kind::Other(other) => {
                let why = format!("there are no stores of kind `{other}`");
                return Err(wrong_store(url, why));
            }
        };
        let path = file(path).map_err(|why| wrong_store(url, why))?;
        Ok(Self::File(folder.join(path)))
    }

    /// What may be printed: a path, or the URL without its password.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Postgres(url) => without_password(url),
        }
    }

    /// As the library's doors take it. Not to be printed: a password that was written stays in it.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::File(path) => format!("{SQLITE}:{}", path.display()),
            Self::Postgres(url) => url.clone(),
        }
    }

    /// The file, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }

    /// Where the lanes of a store's engine keep files of their own: `carril.db` has them in `carril.db.lanes`, a store on a
    /// server in `carril.lanes` of `folder`, on each machine.
    #[must_use]
    pub fn lanes(&self, folder: &Path) -> PathBuf {
        match self {
            Self::File(path) => {
                let mut name = path.as_os_str().to_owned();
                name.push(".lanes");
                PathBuf::from(name)
            }
            Self::Postgres(_) => folder.join("carril.lanes"),
        }
    }
}

/// Where a store is that a file names; references to secrets stay as they are.
///
/// # Errors
/// [`UrlError::Store`], also for a password that is written out.
pub(crate) fn written_store(url: &str, folder: &Path) -> Result<Location, UrlError> {
    let place = Location::of_store(url, folder)?;
    if place.file().is_none() && !passwords(url).all(is_reference) {
        return Err(wrong_store(url, WRITTEN_OUT.to_owned()));
    }
    Ok(place)
}

/// The file of a store that must be one, for what `verb` names.
pub(crate) fn store_path(url: &str, folder: &Path, verb: &str) -> Result<PathBuf, UrlError> {
    match Location::of_store(url, folder)? {
        Location::File(path) => Ok(path),
        Location::Postgres(_) => Err(wrong_store(
            url,
            format!(
                "{verb} is for a store in a file; of one on PostgreSQL the server's own tools (pg_dump, pg_restore) keep copies"
            ),
        )),
    }
}

fn wrong_store(url: &str, why: String) -> UrlError {
    UrlError::Store {
        url: without_password(url),
        why,
    }
}

/// The URL of a target as it is kept with its processes: with an absolute path, as far as `folder` is absolute; references to
/// secrets stay as they are.
///
/// # Errors
/// [`UrlError::Target`], also for a password that is written out.
pub fn target_url(url: &str, folder: &Path) -> Result<String, UrlError> {
    // What a reference stands for is only known when the target is opened.
    if url.starts_with("${") {
        return Ok(url.to_owned());
    }
    match target_file(url)? {
        Some(path) if path.starts_with("${") => Ok(format!("{SQLITE}:{path}")),
        Some(path) => Ok(format!("{SQLITE}:{}", tidy(&folder.join(path)).display())),
        None if passwords(url).all(is_reference) => Ok(url.to_owned()),
        None => Err(wrong_target(
            url,
            "its password is written out, and would be kept with every process; write a reference instead, `postgres://USER:${env:NAME}@HOST/DATABASE` or `${file:PATH}`",
        )),
    }
}

/// Where a target is, once its references are resolved.
pub(crate) fn target_place(url: &str, folder: &Path) -> Result<Location, UrlError> {
    Ok(match target_file(url)? {
        Some(path) => Location::File(tidy(&folder.join(path))),
        None => Location::Postgres(url.to_owned()),
    })
}

/// The file that a target's URL names; `None` for one on a server.
fn target_file(url: &str) -> Result<Option<&str>, UrlError> {
    match kind(url) {
        Kind::None => Err(wrong_target(
            url,
            "it does not say which kind of database it is",
        )),
        Kind::Sqlite(path) => file(path).map(Some).map_err(|why| wrong_target(url, &why)),
        Kind::Postgres => Ok(None),
        Kind::Other(other) => {
            let why = format!("there are no targets of kind `{other}`");
            Err(wrong_target(url, &why))
        }
    }
}

fn wrong_target(url: &str, why: &str) -> UrlError {
    UrlError::Target {
        url: without_password(url),
        why: why.to_owned(),
    }
}

/// Whether a text is one reference and nothing else.
fn is_reference(text: &str) -> bool {
    let inner = text
        .strip_prefix("${")
        .and_then(|text| text.strip_suffix('}'));
    inner.is_some_and(|inner| !inner.contains('}'))
}

/// The folder of a pipeline as it is kept with its processes: absolute, relative to where the program runs. `None` where it
/// cannot be kept and the pipeline has no command steps, which alone would miss it.
///
/// # Errors
/// [`UrlError::Folder`].
pub fn kept_folder(definition: &Definition, folder: &Path) -> Result<Option<String>, UrlError> {
    let kept = std::path::absolute(folder)
        .map_err(|error| error.to_string())
        .and_then(|path| {
            let text = tidy(&path).into_os_string().into_string();
            text.map_err(|_| "its name is not UTF-8".to_owned())
        });
    let mut steps = definition.stages.iter().flat_map(|stage| &stage.steps);
    match kept {
        Ok(kept) => Ok(Some(kept)),
        Err(why) if steps.any(|step| matches!(step.action, Action::Command { .. })) => {
            Err(UrlError::Folder {
                folder: folder.to_owned(),
                why,
            })
        }
        Err(_) => Ok(None),
    }
}

/// What a URL says that it is.
enum Kind<'a> {
    /// It says nothing.
    None,
    /// A file of SQLite, and which.
    Sqlite(&'a str),
    Postgres,
    Other(&'a str),
}

/// The part before the first colon; a single letter is a drive, not a kind.
fn kind(url: &str) -> Kind<'_> {
    let Some((scheme, rest)) = url.split_once(':') else {
        return Kind::None;
    };
    let is_scheme = scheme.len() > 1
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'+');
    match scheme {
        _ if !is_scheme => Kind::None,
        SQLITE => Kind::Sqlite(rest.strip_prefix("//").unwrap_or(rest)),
        "postgres" | "postgresql" => Kind::Postgres,
        other => Kind::Other(other),
    }
}

fn file(path: &str) -> Result<&str, String> {
    if path.trim().is_empty() {
        return Err("it names no file".to_owned());
    }
    if path == ":memory:" {
        return Err(
            "a database in memory cannot be shared between lanes, nor outlive the program"
                .to_owned(),
        );
    }
    Ok(path)
}

/// Without `.` parts, so that one file has one name.
fn tidy(path: &Path) -> PathBuf {
    let tidied: PathBuf = path
        .components()
        .filter(|part| !matches!(part, std::path::Component::CurDir))
        .collect();
    if tidied.as_os_str().is_empty() {
        path.to_owned()
    } else {
        tidied
    }
}

#[cfg(test)]
mod tests;
