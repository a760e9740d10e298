//! Versions of the store's schema, up and down, each migration one transaction with its version number.
//!
//! Numbers are linear. A migration is never edited once it is released; a schema change is a new pair of files. Engines that come
//! at the same time take turns by an advisory lock, so that each migration is done once. It holds the store's turnstile alone:
//! engines that are at work have ended what they were writing, and what they would write next finds another version.

use super::open::{OpenError, answered};
use super::session::{quoted, sum_of, turnstile};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// One step between two versions.
struct Migration {
    up: &'static str,
    down: &'static str,
}

/// In order; the first makes version 1.
const MIGRATIONS: &[Migration] = &[
    Migration {
        up: sql!("migrations/0001_initial.up"),
        down: sql!("migrations/0001_initial.down"),
    },
    Migration {
        up: sql!("migrations/0002_neighbours.up"),
        down: sql!("migrations/0002_neighbours.down"),
    },
    Migration {
        up: sql!("migrations/0003_locks.up"),
        down: sql!("migrations/0003_locks.down"),
    },
    Migration {
        up: sql!("migrations/0004_imported.up"),
        down: sql!("migrations/0004_imported.down"),
    },
    Migration {
        up: sql!("migrations/0005_allotments.up"),
        down: sql!("migrations/0005_allotments.down"),
    },
    Migration {
        up: sql!("migrations/0006_lanes_auto.up"),
        down: sql!("migrations/0006_lanes_auto.down"),
    },
    Migration {
        up: sql!("migrations/0007_access.up"),
        down: sql!("migrations/0007_access.down"),
    },
    Migration {
        up: sql!("migrations/0008_old_names.up"),
        down: sql!("migrations/0008_old_names.down"),
    },
];

/// The version that this program writes and reads.
pub(crate) const NEWEST: i64 = 8;

/// Begins the lock of migrations ("CRRM"), which ends with a number of the schema's name.
const LOCK: i64 = 0x4352_524d;

/// How long one try to change tables waits for whoever uses them; others who want them wait behind it as long.
const LOCK_WAIT: &str = "SET LOCAL lock_timeout = '2s'";

/// How often it is tried, with a second in between: for half a minute in which somebody always has a table.
const TRIES: u32 = 10;

/// Where a schema's version is kept.
const VERSION_TABLE: &str = "carril_schema";

/// The version of the store in a schema: 0 where there is none.
pub(crate) async fn version(client: &Client, schema: &str) -> Result<i64, tokio_postgres::Error> {
    let table = format!("{}.{VERSION_TABLE}", quoted(schema));
    let there = client
        .query_one("SELECT to_regclass($1) IS NOT NULL", &[&table])
        .await?;
    if !there.get::<_, bool>(0) {
        return Ok(0);
    }
    let row = client
        .query_one(&format!("SELECT version FROM {table}"), &[])
        .await?;
    Ok(row.get(0))
}

/// Brings the store to the newest version. Each step is durable by itself, so a stop in between goes on later.
pub(crate) async fn up(client: &mut Client, schema: &str, shown: &str) -> Result<(), OpenError> {
    let found = answered(shown, version(client, schema)).await?;
    if found > NEWEST {
        return Err(OpenError::Newer {
            url: shown.to_owned(),
            schema: schema.to_owned(),
            found,
            known: NEWEST,
        });
    }
    let done = usize::try_from(found).unwrap_or(0);
    for (migration, to) in MIGRATIONS.iter().zip(1_i64..).skip(done) {
        patient_step(client, (schema, shown), migration.up, to).await?;
    }
    Ok(())
}

/// One step up. As long as somebody holds a table that it changes it is tried again: waiting for the lock would have everybody else
/// wait behind it.
pub(crate) async fn patient_step(
    client: &mut Client,
    (schema, shown): (&str, &str),
    statements: &str,
    to: i64,
) -> Result<(), OpenError> {
    for _ in 0..TRIES {
        let done = step(client, schema, statements, to - 1, to).await;
        let Err(error) = done else {
            return Ok(());
        };
        if error.code() != Some(&SqlState::LOCK_NOT_AVAILABLE) {
            return Err(OpenError::of(shown, &error));
        }
        tracing::info!(
            schema,
            to,
            "a table of the store is in use; its schema is changed as soon as it can be"
        );
        let pause = client.batch_execute("SELECT pg_sleep(1)").await;
        pause.map_err(|error| OpenError::of(shown, &error))?;
    }
    Err(OpenError::InUse {
        url: shown.to_owned(),
        schema: schema.to_owned(),
        to,
    })
}

/// Takes the store back to version `to`; 0 leaves nothing of it.
pub(crate) async fn down(
    client: &mut Client,
    schema: &str,
    to: i64,
) -> Result<(), tokio_postgres::Error> {
    let found = version(client, schema).await?;
    for from in (to.max(0) + 1..=found).rev() {
        let at = usize::try_from(from - 1).unwrap_or(usize::MAX);
        if let Some(migration) = MIGRATIONS.get(at) {
            step(client, schema, migration.down, from, from - 1).await?;
        }
    }
    Ok(())
}

async fn step(
    client: &mut Client,
    schema: &str,
    statements: &str,
    from: i64,
    to: i64,
) -> Result<(), tokio_postgres::Error> {
    let name = quoted(schema);
    let transaction = client.transaction().await?;
    let lock = (LOCK << 32) | i64::from(sum_of(&name));
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&lock])
        .await?;
    transaction.batch_execute(LOCK_WAIT).await?;
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&turnstile(&name)])
        .await?;
    // What is made in an empty schema must not depend on rights that only making a schema needs, so that an administrator can
    // make it and give it away.
    let there = transaction
        .query_one("SELECT to_regnamespace($1) IS NOT NULL", &[&name])
        .await?;
    if !there.get::<_, bool>(0) {
        transaction
            .batch_execute(&format!("CREATE SCHEMA {name}"))
            .await?;
    }
    let prepare = format!(
        "SET LOCAL search_path = {name}, pg_temp; SET LOCAL client_min_messages = warning; \
         CREATE TABLE IF NOT EXISTS {VERSION_TABLE} (version bigint NOT NULL); \
         INSERT INTO {VERSION_TABLE} SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM {VERSION_TABLE})"
    );
    transaction.batch_execute(&prepare).await?;
    let current = transaction
        .query_one(&format!("SELECT version FROM {VERSION_TABLE}"), &[])
        .await?;
    // Another program did this step while we waited for the lock.
    if current.get::<_, i64>(0) != from {
        return transaction.rollback().await;
    }
    transaction.batch_execute(statements).await?;
    let finish = if to == 0 {
        format!("DROP TABLE {VERSION_TABLE}")
    } else {
        format!("UPDATE {VERSION_TABLE} SET version = {to}")
    };
    transaction.batch_execute(&finish).await?;
    tracing::info!(schema, from, to, "the store's schema has another version");
    transaction.commit().await
}
