//! The one transaction of a part: begin, work, fence, commit (P5).
//!
//! Shared by SQL steps, publishing and everything else that writes. Knows what each way to fail means for the outcome: before
//! COMMIT is sent everything is rolled back and known; a COMMIT that the server refuses is rolled back, too; one that nobody
//! answered is unknown. That a driver says yes to a COMMIT proves nothing, since the server says yes to one that rolls back:
//! the fence row before it is the proof.

use super::fault;
use super::name::quoted_list;
use super::pool::{Pool, Server, Session};
use super::stop::Stop;
use carril_model::contract::{ErrorClass, StepError};
use std::time::Duration;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

/// The longest wait for somebody else's lock in a step; less where less time is left.
pub(crate) const LOCK_WAIT: Duration = Duration::from_secs(5);
/// The wait for a lock of Carril's own DDL: whoever waits for one holds up everybody behind him.
pub(crate) const DDL_LOCK_WAIT: Duration = Duration::from_millis(200);
/// How much longer than the deadline the server goes on: who stops it is the engine, and the server only if that is gone.
const SERVER_GRACE: Duration = Duration::from_millis(500);
/// How long the server keeps a transaction in which nothing is asked.
const IDLE_GRACE: Duration = Duration::from_secs(10);

/// How a transaction is set up.
pub(crate) struct Settings<'a> {
    /// What the server's views and logs call it.
    pub(crate) name: &'a str,
    /// The workspace's schema, if it works in one.
    pub(crate) schema: Option<&'a str>,
    /// The longest wait for a lock.
    pub(crate) lock_wait: Duration,
}

/// A transaction that is open on a session.
pub(crate) struct Open {
    pub(crate) session: Session,
    /// The server's number of it.
    pub(crate) number: String,
    /// The server's process for it.
    pub(crate) pid: i32,
    /// The schemas of shared tables, in order of search.
    pub(crate) path: Vec<String>,
    /// Rows that the server counts to this transaction and earlier ones wrote.
    counted: Vec<Counted>,
}

/// Rows inserted, updated and deleted in a table.
struct Counted {
    schema: String,
    table: String,
    rows: [i64; 3],
}

/// From this version on the server can be told to count anew.
const COUNTS_ANEW: i32 = 150_000;

impl Open {
    /// Takes a connection and begins a transaction on it. Connections that were lost while nobody used them are passed over.
    ///
    /// # Errors
    /// `CAR0511` when none can be made; `CAR0516` when the workspace's schema is not there; else as the server says.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection it had.
    pub(crate) async fn begin(
        pool: &Pool,
        settings: &Settings<'_>,
        stop: &Stop<'_>,
    ) -> Result<Self, StepError> {
        let mut lost = 0;
        loop {
            stop.check().map_err(fault::stopped)?;
            let session = pool.session().await?;
            match Self::begin_on(pool, session, settings, stop).await {
                Err(error) if error.code == fault::UNREACHABLE && lost < pool.max() => lost += 1,
                outcome => return outcome,
            }
        }
    }

    /// The same on a connection outside the bound.
    ///
    /// # Errors
    /// As [`Open::begin`].
    pub(crate) async fn begin_extra(
        pool: &Pool,
        settings: &Settings<'_>,
        stop: &Stop<'_>,
    ) -> Result<Self, StepError> {
        Self::begin_on(pool, pool.extra().await?, settings, stop).await
    }

    async fn begin_on(
        pool: &Pool,
        session: Session,
        settings: &Settings<'_>,
        stop: &Stop<'_>,
    ) -> Result<Self, StepError> {
        let failed = |error| fault::step(&error, "beginning the transaction: ");
        let server = pool.server(&session).await?;
        let (begun, number, counted) = tokio::join!(
            session.batch_execute("begin"),
            settings.apply(&session, server, stop, true),
            counted(&session, server),
        );
        begun.map_err(failed)?;
        let (number, pid) = number?;
        Ok(Self {
            number,
            pid,
            path: server.path.clone(),
            counted: counted.map_err(failed)?,
            session,
        })
    }

    /// Rows that must be taken off what the server counts in a table.
    pub(crate) fn counted_before(&self, schema: &str, table: &str) -> [i64; 3] {
        let mut counted = self.counted.iter();
        let found = counted.find(|counted| counted.schema == schema && counted.table == table);
        found.map_or([0; 3], |counted| counted.rows)
    }

    /// Commits, and gives the connection back.
    ///
    /// # Errors
    /// As the server refuses it; `CAR0513` when nobody knows whether it was done.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the outcome unknown.
    pub(crate) async fn commit(self) -> Result<(), StepError> {
        let (committed, settled) = tokio::join!(
            self.session.batch_execute("commit"),
            self.session
                .batch_execute(include_str!("../../sql/target/settle.sql")),
        );
        committed.map_err(|error| uncommitted(&error))?;
        if settled.is_ok() {
            self.session.is_as_before();
        }
        Ok(())
    }

    /// Takes everything back, and gives the connection back where that can be told to the server.
    pub(crate) async fn roll_back(self) {
        let (rolled_back, settled) = tokio::join!(
            self.session.batch_execute("rollback"),
            self.session
                .batch_execute(include_str!("../../sql/target/settle.sql")),
        );
        if rolled_back.is_ok() && settled.is_ok() {
            self.session.is_as_before();
        }
    }

    /// Commits what went well and takes the rest back.
    ///
    /// # Errors
    /// The one that is handed in, or as [`Open::commit`].
    pub(crate) async fn end<T>(self, outcome: Result<T, StepError>) -> Result<T, StepError> {
        match outcome {
            Ok(done) => self.commit().await.map(|()| done),
            Err(error) => {
                self.roll_back().await;
                Err(error)
            }
        }
    }
}

/// One statement that is a transaction by itself, sent together with its commit: for what is done outside steps, and may be done again.
pub(crate) struct Once<'a> {
    pub(crate) statement: &'a str,
    pub(crate) values: &'a [(&'a (dyn ToSql + Sync), Type)],
    /// What an error begins with.
    pub(crate) what: &'a str,
}

impl Once<'_> {
    /// Runs it; gives its rows. The server commits nothing where the statement has failed.
    ///
    /// # Errors
    /// As [`Open::begin`] and [`Open::commit`].
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection it had; whether it was done is not known.
    pub(crate) async fn run(
        &self,
        pool: &Pool,
        settings: &Settings<'_>,
        stop: &Stop<'_>,
    ) -> Result<Vec<Row>, StepError> {
        let mut lost = 0;
        loop {
            stop.check().map_err(fault::stopped)?;
            let session = pool.session().await?;
            match self.run_on(pool, session, settings, stop).await {
                Err(error) if error.code == fault::UNREACHABLE && lost < pool.max() => lost += 1,
                outcome => return outcome,
            }
        }
    }

    async fn run_on(
        &self,
        pool: &Pool,
        session: Session,
        settings: &Settings<'_>,
        stop: &Stop<'_>,
    ) -> Result<Vec<Row>, StepError> {
        let server = pool.server(&session).await?;
        let (begun, number, done, committed, settled) = tokio::join!(
            session.batch_execute("begin"),
            settings.apply(&session, server, stop, true),
            session.query_typed(self.statement, self.values),
            session.batch_execute("commit"),
            session.batch_execute(include_str!("../../sql/target/settle.sql")),
        );
        if committed.is_ok() && settled.is_ok() {
            session.is_as_before();
        }
        begun.map_err(|error| fault::step(&error, "beginning the transaction: "))?;
        number?;
        let rows = done.map_err(|error| fault::step(&error, self.what))?;
        committed.map_err(|error| uncommitted(&error))?;
        Ok(rows)
    }
}

/// Has the server count anew after this transaction, or asks it what it will count again.
async fn counted(
    session: &Session,
    server: &Server,
) -> Result<Vec<Counted>, tokio_postgres::Error> {
    if server.version >= COUNTS_ANEW {
        session
            .query_typed(include_str!("../../sql/target/count_anew.sql"), &[])
            .await?;
        return Ok(Vec::new());
    }
    let rows = session
        .query_typed(include_str!("../../sql/target/counted_before.sql"), &[])
        .await?;
    let counted = rows.iter().map(|row| Counted {
        schema: row.get(0),
        table: row.get(1),
        rows: [row.get(2), row.get(3), row.get(4)],
    });
    Ok(counted.collect())
}

impl Settings<'_> {
    /// Sets a session up, for its transaction or for as long as it lasts; gives the numbers of the transaction
    /// and of the server's process.
    async fn apply(
        &self,
        session: &Session,
        server: &Server,
        stop: &Stop<'_>,
        local: bool,
    ) -> Result<(String, i32), StepError> {
        let schemas = self
            .schema
            .into_iter()
            .chain(server.path.iter().map(String::as_str));
        let path = quoted_list(schemas);
        let left = stop.left();
        let statement = text_of(left + SERVER_GRACE);
        let lock = text_of(self.lock_wait.min(left / 10 * 9));
        let idle = text_of(left + IDLE_GRACE);
        let values: [(&(dyn ToSql + Sync), Type); 7] = [
            (&path, Type::TEXT),
            (&self.name, Type::TEXT),
            (&statement, Type::TEXT),
            (&lock, Type::TEXT),
            (&idle, Type::TEXT),
            (&self.schema, Type::TEXT),
            (&local, Type::BOOL),
        ];
        let row = session
            .query_typed_one(include_str!("../../sql/target/settings.sql"), &values)
            .await
            .map_err(|error| fault::step(&error, "beginning the transaction: "))?;
        if row.get::<_, bool>(8) {
            return Ok((row.get(7), row.get(9)));
        }
        Err(fault::unmade(format!(
            "schema `{}` has disappeared while its execution ran; retry the execution from its beginning",
            self.schema.unwrap_or_default()
        )))
    }
}

/// A session without a transaction, for statements that commit by themselves.
pub(crate) struct Loose {
    pub(crate) session: Session,
    /// The server's process for it.
    pub(crate) pid: i32,
}

impl Loose {
    /// Takes a connection and sets it up.
    ///
    /// # Errors
    /// As [`Open::begin`].
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection it had.
    pub(crate) async fn begin(
        pool: &Pool,
        settings: &Settings<'_>,
        stop: &Stop<'_>,
    ) -> Result<Self, StepError> {
        let session = pool.session().await?;
        let server = pool.server(&session).await?;
        let (_, pid) = settings.apply(&session, server, stop, false).await?;
        Ok(Self { session, pid })
    }

    /// Takes what was set up away, and gives the connection back where that can be told to the server.
    pub(crate) async fn end(self) {
        let settled = self
            .session
            .batch_execute(include_str!("../../sql/target/settle.sql"))
            .await;
        if settled.is_ok() {
            self.session.is_as_before();
        }
    }
}

/// What a failed COMMIT means: refused by the server it has rolled back; without an answer nobody knows.
fn uncommitted(error: &tokio_postgres::Error) -> StepError {
    if !fault::is_lost(error) && error.as_db_error().is_some() {
        return fault::step(error, "committing: ");
    }
    StepError::new(
        fault::UNKNOWN,
        ErrorClass::OutcomeUnknown,
        format!(
            "the connection was lost while the commit was under way, so nobody knows whether it is done: {}",
            fault::words(error)
        ),
    )
}

/// Waits for its turn to make what only one may make at a time; until the end of the transaction.
///
/// # Errors
/// As the server says.
pub(crate) async fn ddl_alone(session: &Session) -> Result<(), StepError> {
    session
        .query_typed(include_str!("../../sql/target/ddl_alone.sql"), &[])
        .await
        .map(|_| ())
        .map_err(|error| fault::step(&error, "waiting for a turn to make tables: "))
}

/// A duration as the server's settings take it; at least a millisecond, since nothing means for ever there.
fn text_of(duration: Duration) -> String {
    let millis = duration.as_millis().clamp(1, 2_147_483_647);
    format!("{millis}ms")
}

#[cfg(test)]
mod tests;
