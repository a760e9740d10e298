//! The old design: all tenants of a round work under one id in shared work tables, each on a connection of its own, each step in a
//! transaction. With one connection it is the same work one after the other.
//!
//! Written as such programs are: statements are prepared once, a run that fails has failed, and the others go on.

use super::Round;
use super::place::Place;
use anyhow::Result;
use carril_testkit::contention::{self, PASSAGE, Size, Value};
use std::time::Instant;
use tokio::task::JoinSet;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Statement};

/// The id of a run of all tenants: a clock's milliseconds in the old system, a number here.
const FIRST_BATCH: i64 = 1_766_174_087_388;
/// SQLSTATE of a deadlock's victim.
const DEADLOCK: &str = "40P01";

/// A program that lets tenants pass.
pub(crate) struct Control {
    size: Size,
    workers: Vec<Worker>,
}

/// A connection with its prepared statements.
struct Worker {
    client: Client,
    /// A transaction each.
    steps: Vec<Vec<(Statement, Vec<Value>)>>,
}

impl Control {
    /// Opens so many connections.
    pub(crate) async fn open(place: &Place, size: Size, connections: u32) -> Result<Self> {
        let mut workers = Vec::new();
        for _ in 0..connections {
            workers.push(Worker::open(place).await?);
        }
        Ok(Self { size, workers })
    }

    /// Lets all tenants pass once: as many at once as there are connections.
    pub(crate) async fn round(&mut self, round: u32) -> Result<Round> {
        let (size, lanes) = (self.size, u32::try_from(self.workers.len())?);
        let clock = Instant::now();
        let mut running = JoinSet::new();
        for (first, mut worker) in (1..).zip(self.workers.drain(..)) {
            running.spawn(async move {
                let mut failed = Vec::new();
                for tenant in (first..=size.tenants).step_by(lanes as usize) {
                    if let Err(error) = worker.pass(size, round, tenant).await {
                        failed.push((tenant, error));
                    }
                }
                (worker, failed)
            });
        }
        let mut outcome = Round::default();
        while let Some(ended) = running.join_next().await {
            let (worker, failed) = ended?;
            self.workers.push(worker);
            for (tenant, error) in failed {
                let Some(code) = error.code().map(|code| code.code().to_owned()) else {
                    return Err(error.into());
                };
                outcome.failed.insert(tenant);
                if code == DEADLOCK {
                    outcome.deadlocks += 1;
                } else {
                    outcome.errors += 1;
                }
                *outcome.causes.entry(code).or_default() += 1;
            }
        }
        outcome.wall = clock.elapsed();
        Ok(outcome)
    }
}

impl Worker {
    async fn open(place: &Place) -> Result<Self> {
        let client = place.connect().await?;
        let mut steps = Vec::new();
        for (_, file) in PASSAGE {
            let mut step = Vec::new();
            for statement in contention::statements(file) {
                let kind = |value: &Value| match value {
                    Value::Portfolio => Type::TEXT,
                    Value::Batch | Value::Round | Value::Tenant => Type::INT8,
                };
                let kinds: Vec<Type> = statement.values.iter().map(kind).collect();
                let prepared = client.prepare_typed(&statement.text, &kinds).await?;
                step.push((prepared, statement.values));
            }
            steps.push(step);
        }
        Ok(Self { client, steps })
    }

    /// One tenant's passage under the id of its round.
    async fn pass(&mut self, size: Size, round: u32, tenant: u32) -> Result<(), Error> {
        let batch = FIRST_BATCH + i64::from(round);
        let portfolio = contention::portfolio(size, tenant);
        let (round, tenant) = (i64::from(round), i64::from(tenant));
        for step in &self.steps {
            let transaction = self.client.transaction().await?;
            for (statement, values) in step {
                let value = |value: &Value| -> &(dyn ToSql + Sync) {
                    match value {
                        Value::Batch => &batch,
                        Value::Portfolio => &portfolio,
                        Value::Round => &round,
                        Value::Tenant => &tenant,
                    }
                };
                let values: Vec<_> = values.iter().map(value).collect();
                transaction.execute(statement, &values).await?;
            }
            transaction.commit().await?;
        }
        Ok(())
    }
}
