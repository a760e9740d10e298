//! The names of the old fund system in a schema of their own, `logs`, as thin views over the store's: made and removed when somebody
//! asks for it, never by opening a store.
//!
//! The schema lies outside of the store's own, and the old system's tables may be in one of that name. So one that holds anything is
//! never touched, unless its comment says that this store made it.

use super::open::{self, OpenError, StoreOptions};
use super::session::quoted;
use tokio_postgres::{Client, Transaction};

/// The views by their old names; in the store's schema each is called `logs_` and that, in small letters.
pub const LEGACY_VIEWS: [&str; 5] = [
    "Procesos",
    "Ejecuciones",
    "Ejecuciones_v2",
    "Ejecucion_Fondos",
    "Trace_Records",
];

/// Why they were neither made nor removed. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LegacyError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The schema is somebody else's.
    #[error(
        "schema `{schema}` is not this store's: {why}; name another with `--schema`, or move it out of the way"
    )]
    Taken {
        /// The schema.
        schema: String,
        /// Whose it seems to be.
        why: String,
    },
}

impl LegacyError {
    /// `CARnnnn`; its page is `docs/errors/CARnnnn.md`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Open(error) => error.code(),
            Self::Taken { .. } => "CAR0639",
        }
    }
}

/// A schema of that name, as it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) comment: Option<String>,
    /// Tables, views, functions, types in it.
    pub(super) things: i64,
    /// Whether it belongs to whoever asks.
    pub(super) own: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// There is none.
    Make,
    /// It is empty, and the asker's own.
    Take,
    /// This store made it.
    Renew,
}

/// Whether a schema may be used for the views of the store in schema `store`; else why not.
pub(super) fn decide(found: Option<&Found>, store: &str) -> Result<Next, String> {
    let Some(found) = found else {
        return Ok(Next::Make);
    };
    if found.comment.as_deref() == Some(&mark(store)) {
        return Ok(Next::Renew);
    }
    if let Some(comment) = &found.comment
        && comment.starts_with(MARK)
    {
        return Err(format!("another store made it ({comment})"));
    }
    match (found.things, found.own) {
        (0, true) => Ok(Next::Take),
        (0, false) => Err("it is empty, but belongs to another user".to_owned()),
        (things, _) => Err(format!(
            "it holds what no store made (things in it: {things})"
        )),
    }
}

/// What the comment of a schema that a store made begins with.
const MARK: &str = "Old names of the Carril store in schema ";

fn mark(store: &str) -> String {
    format!("{MARK}{}", quoted(store))
}

/// Makes the views in `schema`, or makes them anew where this store made them before. Who may read them, and what others made of
/// them, stays.
///
/// # Errors
/// As [`LegacyError`].
pub fn make_legacy_views(
    url: &str,
    options: &StoreOptions,
    schema: &str,
) -> Result<(), LegacyError> {
    work(url, options, schema, false)
}

/// Removes the views from `schema`, and the schema where nothing else is in it.
///
/// # Errors
/// As [`LegacyError`].
pub fn remove_legacy_views(
    url: &str,
    options: &StoreOptions,
    schema: &str,
) -> Result<(), LegacyError> {
    work(url, options, schema, true)
}

fn work(url: &str, options: &StoreOptions, schema: &str, gone: bool) -> Result<(), LegacyError> {
    let schema = schema.to_owned();
    open::at(
        url,
        "carril legacy views",
        options,
        move |client, store, address| {
            Box::pin(async move {
                open::for_reading(address, store).await?;
                let done = if gone {
                    remove(client, store, &schema).await
                } else {
                    make(client, store, &schema).await
                };
                let why = done.map_err(|error| OpenError::of(address.shown(), &error))?;
                why.map_err(|why| LegacyError::Taken { schema, why })
            })
        },
    )
}

/// The inner error says why the schema was left alone.
type Done = Result<Result<(), String>, tokio_postgres::Error>;

async fn make(client: &mut Client, store: &str, schema: &str) -> Done {
    let transaction = client.transaction().await?;
    let found = look(&transaction, schema).await?;
    let next = match decide(found.as_ref(), store) {
        Ok(next) => next,
        Err(why) => return Ok(Err(why)),
    };
    let (own, name) = (quoted(store), quoted(schema));
    let mut text = String::from("SET LOCAL client_min_messages = warning;");
    if next == Next::Make {
        text.push_str(&format!("CREATE SCHEMA {name};"));
    }
    if next != Next::Renew {
        let comment = mark(store).replace('\'', "''");
        text.push_str(&format!("COMMENT ON SCHEMA {name} IS '{comment}';"));
    }
    for view in LEGACY_VIEWS {
        let source = format!("logs_{}", view.to_lowercase());
        text.push_str(&format!(
            "CREATE OR REPLACE VIEW {name}.\"{view}\" AS SELECT * FROM {own}.{source};"
        ));
    }
    transaction.batch_execute(&text).await?;
    transaction.commit().await?;
    Ok(Ok(()))
}

async fn remove(client: &mut Client, store: &str, schema: &str) -> Done {
    let transaction = client.transaction().await?;
    let Some(found) = look(&transaction, schema).await? else {
        return Ok(Ok(()));
    };
    if decide(Some(&found), store) != Ok(Next::Renew) {
        return Ok(Err("this store did not make it".to_owned()));
    }
    drop_views(&transaction, schema).await?;
    transaction.commit().await?;
    Ok(Ok(()))
}

/// Removes every schema that shows the store in schema `store`: what stands on its views would keep them from going.
pub(super) async fn remove_all(
    client: &mut Client,
    store: &str,
) -> Result<(), tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    let made =
        "SELECT nspname::text FROM pg_namespace WHERE obj_description(oid, 'pg_namespace') = $1";
    for row in transaction.query(made, &[&mark(store)]).await? {
        drop_views(&transaction, row.get(0)).await?;
    }
    transaction.commit().await
}

async fn drop_views(
    transaction: &Transaction<'_>,
    schema: &str,
) -> Result<(), tokio_postgres::Error> {
    let name = quoted(schema);
    let views: Vec<String> = LEGACY_VIEWS
        .iter()
        .map(|view| format!("{name}.\"{view}\""))
        .collect();
    let text = format!("DROP VIEW IF EXISTS {}", views.join(", "));
    transaction.batch_execute(&text).await?;
    let left = look(transaction, schema).await?;
    let last = match left {
        Some(Found { things: 0, .. }) => format!("DROP SCHEMA {name}"),
        _ => format!("COMMENT ON SCHEMA {name} IS NULL"),
    };
    transaction.batch_execute(&last).await
}

async fn look(
    transaction: &Transaction<'_>,
    schema: &str,
) -> Result<Option<Found>, tokio_postgres::Error> {
    // A view has a type of its own name, which is no thing of its own.
    let asked = "SELECT obj_description(n.oid, 'pg_namespace'), pg_has_role(n.nspowner, 'USAGE'),
           (SELECT count(*) FROM pg_class c WHERE c.relnamespace = n.oid)
         + (SELECT count(*) FROM pg_proc f WHERE f.pronamespace = n.oid)
         + (SELECT count(*) FROM pg_type t WHERE t.typnamespace = n.oid AND t.typrelid = 0 AND t.typelem = 0)
         FROM pg_namespace n WHERE n.nspname = $1";
    let found = transaction.query_opt(asked, &[&schema]).await?;
    Ok(found.map(|row| Found {
        comment: row.get(0),
        own: row.get(1),
        things: row.get(2),
    }))
}

#[cfg(test)]
mod tests;
