//! What stands behind the question mark, and in bodies. Names that a route does not have are refused: who mistypes a filter
//! would otherwise be answered as if there were none.

use crate::app::App;
use crate::problem::Problem;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use carril::model::contract::ExecutionFilter;
use carril::model::id::ExecutionId;
use carril::model::load;
use carril::model::state::ExecutionState;
use serde::de::DeserializeOwned;
use std::str::FromStr;

/// Rows of a list unless it is said.
pub(crate) const LIMIT: u32 = 50;
/// Most rows of a list.
pub(crate) const LIMIT_MAX: u32 = 500;
/// Rows of a view of a process unless it is said.
const ROWS: u32 = 500;
/// Most rows of a view of a process.
const ROWS_MAX: u32 = 5_000;
/// Most executions of a matrix, and as many as there are by default.
const CELLS_MAX: u32 = 10_000;

/// A query, read. A route's own are in the extensions of its requests.
#[derive(Debug, Clone)]
pub(crate) struct Parameters {
    pairs: Vec<(String, String)>,
}

/// The number in a path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Id(pub(crate) i64);

/// The name in a path.
#[derive(Debug, Clone)]
pub(crate) struct Name(pub(crate) String);

impl FromRequestParts<App> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let read = parts.extensions.get::<Self>().cloned();
        read.ok_or_else(|| Problem::of_code("CAR0800", "the query was not read"))
    }
}

impl FromRequestParts<App> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        let Path(text) = path.map_err(|error| Problem::unreadable(error.body_text()))?;
        Ok(Self(text))
    }
}

impl FromRequestParts<App> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Name(text) = Name::from_request_parts(parts, app).await?;
        let id = text.parse();
        id.map(Self)
            .map_err(|_| Problem::of_code("CAR0803", format!("`{text}` is no number")))
    }
}

impl Parameters {
    /// Reads the query of a route that takes these names.
    pub(crate) fn of(uri: &Uri, names: &[&str]) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|error| Problem::unreadable(error.body_text()))?;
        let Query(pairs) = pairs;
        let unknown = pairs
            .iter()
            .find(|(name, _)| !names.contains(&name.as_str()));
        if let Some((name, _)) = unknown {
            let problem = Problem::unreadable(format!("there is no parameter `{name}` here"));
            return Err(match load::suggestion(name, names.iter().copied()) {
                Some(help) => problem.help(help),
                None => problem.help("this route takes no parameters"),
            });
        }
        Ok(Self { pairs })
    }

    /// Every value of a name.
    pub(crate) fn all<T: FromStr>(&self, name: &str) -> Result<Vec<T>, Problem>
    where
        T::Err: std::fmt::Display,
    {
        let values = self.pairs.iter().filter(|(given, _)| given == name);
        values
            .flat_map(|(_, text)| text.split(','))
            .filter(|text| !text.is_empty())
            .map(|text| {
                text.parse().map_err(|error| {
                    Problem::unreadable(format!("`{name}={text}` cannot be read: {error}"))
                })
            })
            .collect()
    }

    /// The only value of a name, as it is written.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.pairs.iter().filter(|(given, _)| given == name);
        let first = values.next().map(|(_, text)| text.as_str());
        if values.next().is_some() {
            return Err(Problem::unreadable(format!("`{name}` is there twice")));
        }
        Ok(first)
    }

    /// The only value of a name.
    pub(crate) fn one<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem>
    where
        T::Err: std::fmt::Display,
    {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let read = text.parse();
        read.map(Some).map_err(|error| {
            Problem::unreadable(format!("`{name}={text}` cannot be read: {error}"))
        })
    }

    /// A switch: `true`, `false`, or the name alone.
    pub(crate) fn switch(&self, name: &str) -> Result<bool, Problem> {
        match self.text(name)? {
            None | Some("false") => Ok(false),
            Some("" | "true") => Ok(true),
            Some(text) => Err(Problem::unreadable(format!(
                "`{name}={text}` is neither true nor false"
            ))),
        }
    }

    /// Which executions of a page of `limit`, and one more, which tells that there is another page.
    pub(crate) fn executions(&self, limit: u32) -> Result<ExecutionFilter, Problem> {
        let states = self.all::<String>("state")?;
        let states = states.iter().map(|name| {
            let state = ExecutionState::from_name(name);
            state.ok_or_else(|| Problem::unreadable(format!("no execution is `{name}`")))
        });
        Ok(ExecutionFilter {
            states: states.collect::<Result<_, _>>()?,
            entity: self.text("entity")?.map(str::to_owned),
            after: self.one("after")?.map(ExecutionId),
            max: limit + 1,
        })
    }

    /// Rows of a page.
    pub(crate) fn limit(&self) -> Result<u32, Problem> {
        self.bounded(LIMIT, LIMIT_MAX)
    }

    /// Rows of a view of a process, which has no pages.
    pub(crate) fn rows(&self) -> Result<u32, Problem> {
        self.bounded(ROWS, ROWS_MAX)
    }

    /// Executions of a matrix.
    pub(crate) fn cells(&self) -> Result<u32, Problem> {
        self.bounded(CELLS_MAX, CELLS_MAX)
    }

    fn bounded(&self, default: u32, max: u32) -> Result<u32, Problem> {
        let limit = self.one("limit")?.unwrap_or(default);
        if (1..=max).contains(&limit) {
            return Ok(limit);
        }
        let detail = format!("`limit={limit}`: there are 1 to {max} rows");
        Err(Problem::unreadable(detail))
    }
}

/// Reads a body; an empty one is as if every key were left out.
pub(crate) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let bytes = if bytes.trim_ascii().is_empty() {
        b"{}"
    } else {
        bytes
    };
    serde_json::from_slice(bytes)
        .map_err(|error| Problem::unreadable(format!("the body cannot be read: {error}")))
}

#[cfg(test)]
mod tests;
