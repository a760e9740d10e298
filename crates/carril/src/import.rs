//! Reading the history of another program out of its own tables: the door of `carril import`. What the rows mean is the model's to
//! say, and [`Engine::import`](carril_engine::Engine::import) writes what comes of them.

use crate::location::Location;
use crate::targets::Targets;
use carril_engine::task;
use carril_model::import::{FlatError, FlatTable, FlatWanted, Source};
use carril_postgres::address::Address;

/// Which tables hold an old history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryTables {
    /// A row per run; `logs.Ejecuciones` by default.
    pub runs: FlatWanted,
    /// A row per run and fund; `logs.Ejecucion_Fondos` by default.
    pub funds: FlatWanted,
    /// A row per fund, where there is such a table; `dimensionales.BD_Funds` by default.
    pub people: FlatWanted,
}

impl Default for HistoryTables {
    fn default() -> Self {
        let wanted = |schema: &str, name: &str, required| FlatWanted {
            schema: schema.to_owned(),
            name: name.to_owned(),
            required,
        };
        Self {
            runs: wanted("logs", "Ejecuciones", true),
            funds: wanted("logs", "Ejecucion_Fondos", true),
            people: wanted("dimensionales", "BD_Funds", false),
        }
    }
}

/// Reads an old history from `url` (`sqlite:PATH`, or `postgres://USER@HOST/DATABASE` with references for secrets), all tables
/// from one snapshot. Nothing is changed there.
///
/// # Errors
/// As [`FlatError`]; no text has the value of a reference in it.
///
/// # Cancel safety
/// Dropping the future changes nothing; a file that is being read is read to its end.
pub async fn read_history(
    targets: &Targets,
    url: &str,
    tables: &HistoryTables,
) -> Result<Source, FlatError> {
    let (place, resolved) = targets
        .place(url)
        .map_err(|error| FlatError::Unreachable(error.to_string()))?;
    let wanted = [
        tables.runs.clone(),
        tables.funds.clone(),
        tables.people.clone(),
    ];
    let read = match place {
        Location::File(path) => {
            let read = task::blocking(move || carril_sqlite::flat::read_flat(&path, &wanted)).await;
            let stopped = |_| Err(FlatError::Unreachable("reading it panicked".to_owned()));
            read.unwrap_or_else(stopped)
        }
        Location::Postgres(url) => match Address::parse(&url) {
            Ok(address) => carril_postgres::flat::read_flat(&address, &wanted).await,
            Err(error) => Err(FlatError::Unreachable(error.to_string())),
        },
    };
    let read = read.map_err(|error| match error {
        FlatError::Unreachable(text) => FlatError::Unreachable(resolved.hide(&text)),
        FlatError::Unreadable { table, why } => FlatError::Unreadable {
            table,
            why: resolved.hide(&why),
        },
        other => other,
    })?;
    let mut read = read.into_iter();
    let mut next = || -> Option<FlatTable> { read.next().flatten() };
    Ok(Source {
        runs: next().unwrap_or_default(),
        funds: next().unwrap_or_default(),
        people: next(),
    })
}
