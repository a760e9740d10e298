//! Where stores, targets and pipelines are: URLs and paths as people write them, turned into files and into what is stored.
//!
//! Only text is looked at here; nothing is opened. A relative path is relative to the folder that the caller names, and a target's
//! URL and a pipeline's folder are made absolute before they are stored, so that they mean the same for whoever goes on with the process.

use carril_model::definition::{Action, Definition};
use carril_postgres::address::without_password;
use std::path::{Path, PathBuf};

/// The store where nobody names another: in the folder that relative paths are relative to.
pub const DEFAULT_STORE: &str = "carril.db";

const SQLITE: &str = "sqlite";

/// Why a store's or target's URL is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The store's.
    #[error("`{url}` names no store: {why}; a store is a file, `carril.db` or `sqlite:carril.db`")]
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

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StorePlace {
    /// In a file.
    File(PathBuf),
    /// On a PostgreSQL server: its URL as it is written, references to secrets in it.
    Postgres(String),
}

impl StorePlace {
    /// What may be printed.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Postgres(url) => without_password(url),
        }
    }
}

/// Where a store is that may be a file or on a server.
pub(crate) fn store_place(url: &str, folder: &Path) -> Result<StorePlace, UrlError> {
    match scheme(url) {
        Some(("postgres" | "postgresql", _)) => Ok(StorePlace::Postgres(url.to_owned())),
        _ => store_path(url, folder).map(StorePlace::File),
    }
}

/// The file of a store.
pub(crate) fn store_path(url: &str, folder: &Path) -> Result<PathBuf, UrlError> {
    let wrong = |why: String| UrlError::Store {
        url: without_password(url),
        why,
    };
    let path = match scheme(url) {
        None => url,
        Some((SQLITE, path)) => path,
        Some(("postgres" | "postgresql", _)) => {
            return Err(wrong(
                "this needs a store in a file; one on PostgreSQL is opened by programs that use the library".to_owned(),
            ));
        }
        Some((other, _)) => return Err(wrong(format!("there are no stores of kind `{other}`"))),
    };
    file(path).map(|path| folder.join(path)).map_err(wrong)
}

/// The URL of a target, that of a file with an absolute path, as far as `folder` is absolute; references to secrets stay as they are.
///
/// # Errors
/// [`UrlError::Target`].
pub fn target_url(url: &str, folder: &Path) -> Result<String, UrlError> {
    if let Some(("postgres" | "postgresql", _)) = scheme(url) {
        return no_password(url).map(|()| url.to_owned());
    }
    let path = target_file(url)?;
    // What a reference stands for is only known when the target is opened.
    if path.starts_with("${") {
        return Ok(format!("{SQLITE}:{path}"));
    }
    Ok(format!("{SQLITE}:{}", tidy(&folder.join(path)).display()))
}

/// Where a target is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TargetPlace {
    /// In a file.
    File(PathBuf),
    /// On a PostgreSQL server.
    Postgres,
}

/// Where a target is, once its references are resolved.
pub(crate) fn target_place(url: &str, folder: &Path) -> Result<TargetPlace, UrlError> {
    match scheme(url) {
        Some(("postgres" | "postgresql", _)) => Ok(TargetPlace::Postgres),
        _ => target_path(url, folder).map(TargetPlace::File),
    }
}

/// A target's URL is kept with each process, so a password stands in it as a reference or not at all.
///
/// # Errors
/// [`UrlError::Target`].
pub(crate) fn no_password(url: &str) -> Result<(), UrlError> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let user = place
        .rsplit_once('@')
        .and_then(|(user, _)| user.split_once(':'));
    let in_query = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("password="));
    let is_reference = |text: &str| text.starts_with("${") && text.ends_with('}');
    let mut passwords = user
        .map(|(_, password)| password)
        .into_iter()
        .chain(in_query);
    if passwords.all(is_reference) {
        return Ok(());
    }
    Err(UrlError::Target {
        url: without_password(url),
        why: "it has a password in it, and is kept with every process; write a reference instead, as in `postgres://user:${env:PASSWORD}@host/database`"
            .to_owned(),
    })
}

/// The file of a target, once its references are resolved.
pub(crate) fn target_path(url: &str, folder: &Path) -> Result<PathBuf, UrlError> {
    Ok(tidy(&folder.join(target_file(url)?)))
}

fn target_file(url: &str) -> Result<&str, UrlError> {
    let wrong = |why: &str| UrlError::Target {
        url: without_password(url),
        why: why.to_owned(),
    };
    match scheme(url) {
        None => Err(wrong("it does not say which kind of database it is")),
        Some(("postgres" | "postgresql", _)) => Err(wrong("this needs a target in a file")),
        Some((SQLITE, path)) => file(path).map_err(|why| wrong(&why)),
        Some((other, _)) => Err(wrong(&format!("there are no targets of kind `{other}`"))),
    }
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

/// The part before the first colon and what follows; a single letter is a drive, not a kind.
fn scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    let is_scheme = scheme.len() > 1
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'+');
    is_scheme.then(|| (scheme, rest.strip_prefix("//").unwrap_or(rest)))
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
