//! A connection of the store, its transactions, and what a node remembers between two calls. Losing all of it loses nothing.
//!
//! A transaction begins with a turnstile, an advisory lock that it holds until its end. Commits of groups and launches' long
//! writing hold it shared, and are in nobody's way: a node writes executions that it claims, and takes new ones that nobody else
//! is taking. Whatever reaches into what another node may be writing (a cancel, a rollback, a rerun, a signal, the taking back of
//! a dead node's work, the opening of a launch, a change of a whole process) holds it alone, so that it sees a store in which
//! nothing moves. Bringing the store to another version is among that: every transaction that writes looks at the version behind the
//! turnstile, so an engine whose store has another one than it knows writes nothing any more. A transaction is taken for committed only after its last statement has proved that it is still the one that
//! BEGIN opened: a client may take the end of a transaction that had failed for a commit.

use super::allot;
use super::ear::{self, Ear};
use super::fault::{OrFault, commit_fault, damaged, fault};
use super::migrate;
use super::neighbours::Seen;
use super::rows::{flag, get, int};
use crate::address::Address;
use crate::driver;
use carril_model::contract::Fault;
use carril_model::id::NodeId;
use carril_model::time::Timestamp;
use futures_util::future::{join4, try_join, try_join_all};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

/// A node's sign of life is written at most this often by commits; more often where a lease is short.
const SEEN_EVERY_MICROS: i64 = 1_000_000;
/// So many signs of life at least fit into a lease.
const SEEN_IN_LEASE: i64 = 5;
/// How much of a lease an engine may say nothing in the middle of a transaction, before the server ends its session: one that has
/// stopped there holds the turnstile, and all others wait behind it, whose own leases run on meanwhile.
const IDLE_IN_LEASE: i64 = 3;
/// The shortest such time: a busy machine is no stopped one.
const IDLE_MIN_MILLIS: i64 = 1_000;
/// The same for who is no engine.
const OTHER_IDLE_MILLIS: i64 = 30_000;
/// Every turnstile of ours begins with this ("CRRL"), and ends with a number of the schema's name.
const TURNSTILE: i64 = 0x4352_524c;
/// The lock of allotments begins with this ("CRRA"), and ends so, too.
const ALLOTMENTS: i64 = 0x4352_5241;

/// An engine's statements find every row by an index. Their plans are made once for a connection, perhaps while the store is empty,
/// when reading a table whole costs nothing; and a launch makes it large long before anybody gathers statistics.
const BY_INDEX: &str =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";

/// The values of a statement.
pub(crate) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A statement with its values, which is sent along with the begin of a transaction: the server runs it once the turnstile is passed.
pub(crate) type Ahead<'a> = (&'static str, Values<'a>);

/// How much of the store a transaction has for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Others that share it go on beside it.
    Shared,
    /// Nobody else writes.
    Alone,
    /// It passes later, by [`Tx::alone`].
    Later,
}

/// What one engine's store, or one reader, has: where, a connection once there is one, and who it is.
pub(crate) struct Session {
    address: Address,
    /// The schema's name, quoted.
    schema: String,
    read_only: bool,
    link: Option<Link>,
    /// Whether a transaction is under way over it: one that never came to its end, because the work panicked, is nobody's to go on in.
    begun: bool,
    /// How long a lease lasts without a sign of life.
    pub(crate) lease_millis: i64,
    /// This engine, once it has entered.
    pub(crate) node: Option<NodeId>,
    /// Whether the last transaction's COMMIT was sent: if not, it did nothing.
    sent: bool,
    /// When its sign of life was last written, on the engine's clock.
    pub(crate) seen: Timestamp,
    /// How many other engines there were in the last transaction that looked.
    others: i64,
    /// How others are told that there is something to look at; a reader tells nobody.
    pub(crate) ear: Option<Arc<Ear>>,
    /// What the last look at others saw.
    pub(crate) neighbours: Seen,
    /// What this engine was last told that it has of shared limits.
    pub(crate) allotted: allot::Seen,
}

/// A connection with its prepared statements.
pub(crate) struct Link {
    client: Client,
    statements: RefCell<HashMap<&'static str, Statement>>,
    turnstile: i64,
}

/// A transaction under way.
pub(crate) struct Tx<'a> {
    link: &'a Link,
    /// This engine; 0 before it has entered.
    pub(crate) node: NodeId,
    /// How long a lease lasts without a sign of life.
    pub(crate) lease_millis: i64,
    /// How many other engines live; none comes or goes while the turnstile is held.
    others: Cell<i64>,
}

impl Session {
    /// For the store at `address`, in a schema of this name.
    pub(crate) fn new(address: Address, schema: &str, lease_millis: i64, read_only: bool) -> Self {
        Self {
            address,
            schema: quoted(schema),
            read_only,
            link: None,
            begun: false,
            lease_millis,
            node: None,
            seen: Timestamp::default(),
            sent: false,
            others: 0,
            ear: None,
            neighbours: Seen::default(),
            allotted: allot::Seen::new(),
        }
    }

    /// This engine, as long as it has not left.
    pub(crate) fn entered(&self) -> Result<NodeId, Fault> {
        self.node.ok_or(Fault::LostLease)
    }

    /// Whether commits have not written a sign of life for a second.
    pub(crate) fn is_silent(&self, now: Timestamp) -> bool {
        let often = self.lease_millis.saturating_mul(1_000) / SEEN_IN_LEASE;
        now.micros_since(self.seen) >= SEEN_EVERY_MICROS.min(often)
    }

    /// What a transaction failed with, as whoever may try it again is told: as long as COMMIT was not sent nothing was done.
    pub(crate) fn undone(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Unavailable(words) if !self.sent => Fault::Busy(words),
            other => other,
        }
    }

    /// The number of the store's turnstile.
    pub(crate) fn turnstile(&self) -> i64 {
        turnstile(&self.schema)
    }

    /// The number of the lock under which allotments are settled.
    pub(crate) fn allotments(&self) -> i64 {
        (ALLOTMENTS << 32) | i64::from(sum_of(&self.schema))
    }

    /// Others should look at what this engine did. Where there were none while it did it there is nobody to tell: who has entered
    /// since sees it anyway.
    pub(crate) fn stir(&self) {
        if let Some(ear) = self.ear.as_ref().filter(|_| self.others > 0) {
            ear.tell();
        }
    }

    /// The same for what a node does as it comes and goes, or a reader does, who know of no others.
    pub(crate) async fn stir_all(&mut self) {
        let turnstile = self.turnstile();
        match (&self.ear, &self.link) {
            (Some(ear), _) => ear.tell(),
            (None, Some(link)) => ear::tell_over(&link.client, turnstile).await,
            (None, None) => {}
        }
    }

    /// The connection: the one there is, or a new one where it was lost.
    pub(crate) async fn link(&mut self) -> Result<&Link, Fault> {
        let lost = self
            .link
            .as_ref()
            .is_none_or(|link| link.client.is_closed());
        if std::mem::take(&mut self.begun) || lost {
            self.link = None;
            let turnstile = self.turnstile();
            // Without a lease it is no engine, and holds nobody up whose lease runs.
            let idle = match self.lease_millis {
                0 => OTHER_IDLE_MILLIS,
                lease => (lease / IDLE_IN_LEASE).max(IDLE_MIN_MILLIS),
            };
            let idle_millis = (!self.read_only).then_some(idle);
            let link = Link::open(&self.address, &self.schema, turnstile, idle_millis).await;
            self.link = Some(link.or_fault()?);
        }
        Ok(self.link.as_ref().expect("it was put there just now"))
    }

    /// One transaction of this engine, which must have entered: it is refused once the store takes the engine for dead.
    pub(crate) async fn write<T>(
        &mut self,
        turn: Turn,
        work: impl AsyncFnOnce(&Tx<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let node = self.entered()?;
        self.begin(Some(node), Some(turn), None, async |tx, _| work(tx).await)
            .await
    }

    /// The same for work that begins with what a statement gives, which is not waited for apart.
    pub(crate) async fn write_ahead<T>(
        &mut self,
        turn: Turn,
        ahead: Ahead<'_>,
        work: impl AsyncFnOnce(&Tx<'_>, Vec<Row>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let node = self.entered()?;
        self.begin(Some(node), Some(turn), Some(ahead), work).await
    }

    /// One transaction of whoever it is, entered or not.
    pub(crate) async fn write_unentered<T>(
        &mut self,
        turn: Turn,
        work: impl AsyncFnOnce(&Tx<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.begin(None, Some(turn), None, async |tx, _| work(tx).await)
            .await
    }

    /// One read transaction: all of `work` sees the same snapshot.
    pub(crate) async fn read<T>(
        &mut self,
        work: impl AsyncFnOnce(&Tx<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.begin(None, None, None, async |tx, _| work(tx).await)
            .await
    }

    /// Statements outside a transaction, each of which is one.
    pub(crate) async fn plain<T>(
        &mut self,
        work: impl AsyncFnOnce(&Tx<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let (node, lease_millis) = (self.node.unwrap_or(NodeId(0)), self.lease_millis);
        self.link().await?;
        // Whoever waits for it may give it up in its middle, and then nobody knows what the connection says next, if anything.
        self.begun = true;
        let tx = Tx {
            link: self.link.as_ref().expect("it was connected just now"),
            node,
            lease_millis,
            others: Cell::new(self.others),
        };
        let done = work(&tx).await;
        self.begun = matches!(done, Err(Fault::Unavailable(_)));
        done
    }

    async fn begin<T>(
        &mut self,
        node: Option<NodeId>,
        turn: Option<Turn>,
        ahead: Option<Ahead<'_>>,
        work: impl AsyncFnOnce(&Tx<'_>, Vec<Row>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.sent = false;
        self.link().await?;
        self.begun = true;
        let tx = Tx {
            link: self.link.as_ref().expect("it was connected just now"),
            node: node.unwrap_or(NodeId(0)),
            lease_millis: self.lease_millis,
            others: Cell::new(self.others),
        };
        let done = match tx.open(turn, node.is_some(), ahead).await {
            Ok((number, read)) => match work(&tx, read).await {
                Ok(answer) => {
                    self.sent = true;
                    tx.commit(number).await.map(|()| answer)
                }
                Err(refused) => Err(refused),
            },
            Err(refused) => Err(refused),
        };
        let ended = match &done {
            Ok(_) => true,
            // A connection that is in no known state serves nobody any more.
            Err(Fault::Unavailable(_)) => false,
            Err(_) => tx.link.client.batch_execute("ROLLBACK").await.is_ok(),
        };
        self.begun = !ended;
        self.others = tx.others.get();
        done
    }
}

impl Link {
    async fn open(
        address: &Address,
        schema: &str,
        turnstile: i64,
        idle_millis: Option<i64>,
    ) -> Result<Self, tokio_postgres::Error> {
        let (client, _) = driver::connect(address).await?;
        // A store's session is its own: where a pooler stands between, it must give out sessions and not transactions.
        let settings = format!(
            "SET search_path = {schema}, pg_temp; SET lock_timeout = '10s'; SET statement_timeout = '120s'; \
             SET idle_in_transaction_session_timeout = {}; SET jit = off; SET synchronous_commit = on; \
             SET client_connection_check_interval = '1s'; SET tcp_user_timeout = '10s'; SET default_transaction_read_only = {}",
            idle_millis.unwrap_or(OTHER_IDLE_MILLIS),
            if idle_millis.is_none() { "on" } else { "off" }
        );
        client.batch_execute(&settings).await?;
        if idle_millis.is_some() {
            client.batch_execute(BY_INDEX).await?;
        }
        Ok(Self {
            client,
            statements: RefCell::default(),
            turnstile,
        })
    }

    async fn prepared(&self, sql: &'static str) -> Result<Statement, Fault> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await.or_fault()?;
        self.statements.borrow_mut().insert(sql, statement.clone());
        Ok(statement)
    }
}

impl Tx<'_> {
    /// Opens it, passes the turnstile, and gives its number in the database and the rows of what is asked `ahead`.
    async fn open(
        &self,
        turn: Option<Turn>,
        as_node: bool,
        ahead: Option<Ahead<'_>>,
    ) -> Result<(Option<String>, Vec<Row>), Fault> {
        let Some(turn) = turn else {
            let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
            self.link.client.batch_execute(begin).await.or_fault()?;
            return Ok((None, Vec::new()));
        };
        let turnstile = match turn {
            Turn::Shared => sql!("turnstile_share"),
            Turn::Alone => sql!("turnstile_alone"),
            Turn::Later => sql!("turnstile_later"),
        };
        // All of it in one go: the server answers in order, and a statement sees what was committed before it began.
        let (turnstile, alive) = (
            self.link.prepared(turnstile).await?,
            self.link.prepared(sql!("node_alive")).await?,
        );
        if let Some((sql, _)) = ahead {
            self.prepare(sql).await?;
        }
        let begin = self.link.client.batch_execute("BEGIN");
        let turnstile_values: Values<'_> = &[&self.link.turnstile];
        let turned = self.link.client.query_one(&turnstile, turnstile_values);
        let node_values: Values<'_> = &[&self.node.0];
        let lives = self.link.client.query_one(&alive, node_values);
        let read = async {
            match ahead {
                Some((sql, values)) => self.rows(sql, values).await,
                None => Ok(Vec::new()),
            }
        };
        let (began, turned, lives, read) = join4(begin, turned, lives, read).await;
        began.or_fault()?;
        let number: String = get(&turned.or_fault()?, 0)?;
        self.lives(&lives.or_fault()?, as_node)?;
        Ok((Some(number), read?))
    }

    /// Passes the turnstile alone, in a transaction that was to pass it later; who shared it already must not, or two who do
    /// wait for each other. The node may have been taken for dead meanwhile.
    pub(crate) async fn alone(&self) -> Result<(), Fault> {
        self.prepare_all(&[sql!("turnstile_alone"), sql!("node_alive")])
            .await?;
        let (turnstile, node): (Values<'_>, Values<'_>) =
            (&[&self.link.turnstile], &[&self.node.0]);
        let passed = self.rows(sql!("turnstile_alone"), turnstile);
        let lives = self.row(sql!("node_alive"), node);
        let (_, lives) = try_join(passed, lives).await?;
        let lives = lives.ok_or_else(|| damaged("nothing is said of the engines"))?;
        self.lives(&lives, true)
    }

    /// Refuses who would write by other rules than the store's, and an engine that the store takes for dead.
    fn lives(&self, row: &Row, as_node: bool) -> Result<(), Fault> {
        let found = int(row, 0)?;
        if found != migrate::NEWEST {
            let known = migrate::NEWEST;
            return Err(Fault::Version { found, known });
        }
        if as_node {
            if !flag(row, 1)? {
                return Err(Fault::LostLease);
            }
            self.others.set(int(row, 2)?);
        }
        Ok(())
    }

    /// Whether no other engine can do anything in the store while this transaction lasts.
    pub(crate) fn is_sole(&self) -> bool {
        self.others.get() == 0
    }

    async fn commit(&self, number: Option<String>) -> Result<(), Fault> {
        let Some(number) = number else {
            return self.link.client.batch_execute("COMMIT").await.or_fault();
        };
        let proof = self.link.prepared(sql!("turnstile_proof")).await?;
        let values: Values<'_> = &[&number];
        // One behind the other: where the proof fails the transaction has failed before, and this COMMIT ends it without doing it.
        let proof = self.link.client.query_opt(&proof, values);
        let commit = self.link.client.batch_execute("COMMIT");
        let (proof, commit) = futures_util::future::join(proof, commit).await;
        match proof {
            Ok(Some(_)) => commit.map_err(|error| commit_fault(&error)),
            Ok(None) => Err(damaged("a transaction ended before its commit")),
            Err(error) => Err(fault(&error)),
        }
    }

    /// Prepares a statement, so that it is sent at once when its turn has come.
    pub(crate) async fn prepare(&self, sql: &'static str) -> Result<(), Fault> {
        self.link.prepared(sql).await.map(|_| ())
    }

    /// Prepares several, which then can be sent one right behind the other, in order.
    pub(crate) async fn prepare_all(&self, all: &[&'static str]) -> Result<(), Fault> {
        for sql in all {
            self.prepare(sql).await?;
        }
        Ok(())
    }

    /// All rows that a statement gives.
    pub(crate) async fn rows(
        &self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, Fault> {
        let statement = self.link.prepared(sql).await?;
        self.link.client.query(&statement, values).await.or_fault()
    }

    /// The one row that a statement gives, if any.
    pub(crate) async fn row(
        &self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Option<Row>, Fault> {
        Ok(self.rows(sql, values).await?.pop())
    }

    /// Runs a statement that changes rows and gives how many it changed.
    pub(crate) async fn execute(
        &self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<u64, Fault> {
        let statement = self.link.prepared(sql).await?;
        self.link
            .client
            .execute(&statement, values)
            .await
            .or_fault()
    }

    /// Runs statements that change rows, one right behind the other, in this order, and gives how many each changed.
    pub(crate) async fn execute_all(
        &self,
        statements: &[(&'static str, Vec<&(dyn ToSql + Sync)>)],
    ) -> Result<Vec<u64>, Fault> {
        let mut prepared = Vec::with_capacity(statements.len());
        for (sql, _) in statements {
            prepared.push(self.link.prepared(sql).await?);
        }
        let sent = prepared
            .iter()
            .zip(statements)
            .map(|(statement, (_, values))| self.link.client.execute(statement, values));
        try_join_all(sent).await.or_fault()
    }

    /// Runs a statement that must change so many rows, because the transaction has just read them.
    pub(crate) async fn exactly(
        &self,
        many: usize,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<(), Fault> {
        let changed = self.execute(sql, values).await?;
        if usize::try_from(changed).ok() == Some(many) {
            return Ok(());
        }
        Err(damaged(format!(
            "of {many} rows that were just read {changed} were changed"
        )))
    }

    /// The client itself, for statements that are not in a file because they are made: the schema, the questions of people.
    pub(crate) const fn client(&self) -> &Client {
        &self.link.client
    }
}

/// The number of the turnstile of a schema, whose name is quoted.
pub(crate) fn turnstile(schema: &str) -> i64 {
    (TURNSTILE << 32) | i64::from(sum_of(schema))
}

/// A name as SQL has it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A number of a name, the same in every program (FNV-1a).
pub(crate) fn sum_of(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |sum, byte| {
        (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
