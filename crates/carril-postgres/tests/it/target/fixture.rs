//! A warehouse database, a pipeline over it, and attempts of its steps as the engine would make them.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose house cannot be built has failed"
)]

use carril_model::contract::{Clock, StepCall, StepDone, StepError, Target};
use carril_model::definition::Action;
use carril_model::plan::Plan;
use carril_model::time::Timestamp;
use carril_postgres::address::Address;
use carril_postgres::target::{PostgresTarget, TargetOptions};
use carril_testkit::postgres::{Cluster, Database};
pub(crate) use carril_testkit::target::{PROCESS, Pipeline, Switch, Try, table_rows, text, whose};
use std::sync::Arc;
use std::time::SystemTime;

/// The machine's clock, as the server has it.
pub(crate) struct Machine;

impl Clock for Machine {
    fn now(&self) -> Timestamp {
        now()
    }
}

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    Timestamp(i64::try_from(since.as_micros()).unwrap())
}

pub(crate) struct House {
    pub(crate) target: Arc<PostgresTarget>,
    pub(crate) database: Database,
}

impl House {
    /// A warehouse made by these statements.
    pub(crate) fn new(schema: &str) -> Self {
        Self::with(schema, |_| {})
    }

    pub(crate) fn with(schema: &str, change: impl FnOnce(&mut TargetOptions)) -> Self {
        let database = Cluster::get().database();
        database.sql(schema);
        let target = target_at(&database.url(), change);
        Self { target, database }
    }

    /// The same database, opened by another engine.
    pub(crate) fn reopened(self) -> Self {
        let target = target_at(&self.database.url(), |_| {});
        Self {
            target,
            database: self.database,
        }
    }

    /// Lines that a query gives, columns with `|` between them.
    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        self.database.sql(sql).lines().map(str::to_owned).collect()
    }

    /// Runs a step of a plan as the engine would at the first try.
    pub(crate) async fn run(
        &self,
        plan: &Arc<Plan>,
        step: &str,
        execution: i64,
    ) -> Result<StepDone, StepError> {
        self.attempt(&first_try(plan, step, execution).call(), &Switch::new())
            .await
    }

    pub(crate) async fn attempt(
        &self,
        call: &StepCall,
        cancel: &Switch,
    ) -> Result<StepDone, StepError> {
        match call.plan.step(call.step).action {
            Action::Publish { .. } => self.target.publish(call, cancel).await,
            _ => self.target.run_sql(call, cancel).await,
        }
    }

    /// Waits until a query gives a line that begins so.
    pub(crate) async fn until(&self, sql: &str, begins: &str) {
        for _ in 0..600 {
            if self.rows(sql).iter().any(|line| line.starts_with(begins)) {
                return;
            }
            // Asking takes a program of its own, so this is no busy loop; what is waited for may run on the same thread.
            tokio::task::yield_now().await;
        }
        panic!("`{sql}` never gave `{begins}`: {:?}", self.rows(sql));
    }
}

/// A URL with one more parameter.
pub(crate) fn with_parameter(url: &str, parameter: &str) -> String {
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{parameter}")
}

/// A target of its own.
pub(crate) fn target_at(url: &str, change: impl FnOnce(&mut TargetOptions)) -> Arc<PostgresTarget> {
    let address = Address::parse(url).unwrap();
    let mut options = TargetOptions::new(address, Arc::new(Machine));
    change(&mut options);
    Arc::new(PostgresTarget::open("warehouse", options))
}

/// The first attempt of a step, whose time runs from its call.
pub(crate) fn first_try(plan: &Arc<Plan>, step: &str, execution: i64) -> Try {
    Try::first(plan, step, execution, now)
}
