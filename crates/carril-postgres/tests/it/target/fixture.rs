//! A warehouse database, a pipeline over it, and attempts of its steps as the engine would make them.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose house cannot be built has failed"
)]

use carril_model::contract::{
    Cancellation, Clock, Pending, StepCall, StepDone, StepError, TableRows, Target, Whose,
};
use carril_model::definition::{
    Action, Definition, Effects, Entities, Isolation, Keep, Lanes, Publish, RetryPolicy, Scope,
    SqlText, Stage, Step, Synchronous, Workspace,
};
use carril_model::execution::Context;
use carril_model::id::{ExecutionId, ProcessId, Run, Token};
use carril_model::plan::Plan;
use carril_model::time::Timestamp;
use carril_postgres::address::Address;
use carril_postgres::target::{PostgresTarget, TargetOptions};
use carril_testkit::postgres::{Cluster, Database};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

pub(crate) const PROCESS: ProcessId = ProcessId(7);

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

/// A cancel that a test can fire.
pub(crate) struct Switch(watch::Sender<bool>);

impl Switch {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn fire(&self) {
        self.0.send_replace(true);
    }
}

impl Cancellation for Switch {
    fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    fn cancelled(&self) -> Pending<'_, ()> {
        let mut fired = self.0.subscribe();
        Box::pin(async move {
            let _ = fired.wait_for(|fired| *fired).await;
        })
    }

    fn shared(&self) -> Arc<dyn Cancellation> {
        Arc::new(Self(self.0.clone()))
    }
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
        self.attempt(&Try::first(plan, step, execution).call(), &Switch::new())
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

/// One attempt to be made.
#[derive(Clone)]
pub(crate) struct Try {
    pub(crate) plan: Arc<Plan>,
    pub(crate) step: String,
    pub(crate) execution: i64,
    pub(crate) run: u32,
    pub(crate) token: i64,
    pub(crate) attempt: u32,
    pub(crate) first: bool,
    pub(crate) entity: Option<&'static str>,
    pub(crate) params: Map<String, Value>,
    pub(crate) attributes: Map<String, Value>,
    pub(crate) timeout: Duration,
}

impl Try {
    pub(crate) fn first(plan: &Arc<Plan>, step: &str, execution: i64) -> Self {
        Self {
            plan: Arc::clone(plan),
            step: step.to_owned(),
            execution,
            run: 1,
            token: 1,
            attempt: 1,
            first: true,
            entity: Some("entity"),
            params: Map::new(),
            attributes: Map::new(),
            timeout: Duration::from_secs(3_600),
        }
    }

    pub(crate) fn entity(mut self, entity: &'static str) -> Self {
        self.entity = Some(entity);
        self
    }

    pub(crate) fn again(mut self, token: i64, attempt: u32) -> Self {
        (self.token, self.attempt, self.first) = (token, attempt, false);
        self
    }

    pub(crate) fn run(mut self, run: u32) -> Self {
        self.run = run;
        self
    }

    pub(crate) fn attribute(mut self, name: &str, value: Value) -> Self {
        self.attributes.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn param(mut self, name: &str, value: Value) -> Self {
        self.params.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn call(&self) -> StepCall {
        let step = self.plan.find(&self.step).expect("the plan has the step");
        let context = Context {
            process: PROCESS,
            execution: ExecutionId(self.execution),
            run: Run(self.run),
            entity_key: self.entity.map(Arc::from),
            params: Arc::new(self.params.clone()),
            entity: Arc::new(self.attributes.clone()),
            outputs: BTreeMap::new(),
            plan: Arc::clone(&self.plan),
        };
        StepCall {
            has_workspace: false,
            worked: Vec::new(),
            plan: Arc::clone(&self.plan),
            step,
            attempt: self.attempt,
            token: Token(self.token),
            first: self.first,
            context: Arc::new(context),
            deadline: now().after(self.timeout),
        }
    }
}

/// A pipeline whose only stage has these steps, over a workspace on the warehouse.
pub(crate) struct Pipeline {
    definition: Definition,
}

impl Pipeline {
    pub(crate) fn new(steps: &[(&str, &str)]) -> Self {
        let steps = steps.iter().map(|(name, sql)| step(name, sql)).collect();
        let stage = Stage {
            name: "work".to_owned(),
            per: Scope::Entity,
            parallel: false,
            when: None,
            steps,
        };
        let definition = Definition {
            name: "test".to_owned(),
            description: None,
            params: BTreeMap::new(),
            entities: Entities::Given,
            lanes: Lanes::default(),
            workspace: None,
            resources: BTreeMap::new(),
            goal: carril_model::definition::Goal::default(),
            stages: vec![stage],
        };
        Self { definition }
    }

    pub(crate) fn tables(mut self, tables: &[&str]) -> Self {
        self.definition.workspace = Some(Workspace {
            target: "warehouse".to_owned(),
            isolation: Isolation::Own,
            tables: tables.iter().map(|table| (*table).to_owned()).collect(),
            publish: Vec::new(),
            synchronous: Synchronous::Normal,
            keep: Keep::Failed,
        });
        self
    }

    /// The tables are shared, and this column tells executions apart.
    pub(crate) fn by_column(mut self, column: &str) -> Self {
        self.definition
            .workspace
            .as_mut()
            .expect("tables come first")
            .isolation = Isolation::Column(column.to_owned());
        self
    }

    pub(crate) fn publish(
        mut self,
        from: &str,
        into: &str,
        key: &[&str],
        current: Option<&str>,
    ) -> Self {
        self.definition
            .workspace
            .as_mut()
            .expect("tables come first")
            .publish
            .push(Publish {
                from: from.to_owned(),
                into: into.to_owned(),
                key: key.iter().map(|column| (*column).to_owned()).collect(),
                current: current.map(str::to_owned),
                per: Scope::Entity,
            });
        self
    }

    pub(crate) fn shared_writes(mut self, step: &str, tables: &[&str]) -> Self {
        let step = self.definition.stages[0]
            .steps
            .iter_mut()
            .find(|there| there.name == step)
            .expect("the step is there");
        step.shared_writes = tables.iter().map(|table| (*table).to_owned()).collect();
        self
    }

    pub(crate) fn at_least_once(mut self) -> Self {
        for step in &mut self.definition.stages[0].steps {
            step.effects = Effects::AtLeastOnce;
        }
        self
    }

    pub(crate) fn plan(self) -> Arc<Plan> {
        Arc::new(Plan::new(self.definition))
    }
}

fn step(name: &str, sql: &str) -> Step {
    Step {
        name: name.to_owned(),
        action: Action::Sql {
            target: "warehouse".to_owned(),
            sql: text(sql),
        },
        when: None,
        critical: true,
        timeout: Duration::from_secs(60),
        retry: RetryPolicy::default(),
        resources: Vec::new(),
        on_open: carril_model::definition::OnOpen::Wait,
        fallback: None,
        shared_writes: Vec::new(),
        effects: Effects::ExactlyOnce,
    }
}

pub(crate) fn text(sql: &str) -> SqlText {
    SqlText {
        start: None,
        file: "sql/step.sql".to_owned(),
        text: sql.to_owned(),
    }
}

pub(crate) fn whose(execution: i64) -> Whose {
    Whose {
        process: PROCESS,
        execution: ExecutionId(execution),
    }
}

pub(crate) fn table_rows(table: &str, inserted: u64, updated: u64, deleted: u64) -> TableRows {
    TableRows {
        table: table.to_owned(),
        inserted,
        updated,
        deleted,
    }
}
