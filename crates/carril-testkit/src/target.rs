//! A pipeline over a warehouse, and attempts of its steps as an engine would make them, for the tests of targets.

use carril_model::contract::{Cancellation, Pending, StepCall, TableRows, Whose};
use carril_model::definition::{
    Action, Definition, Effects, Entities, Goal, Isolation, Keep, Lanes, OnOpen, Publish,
    RetryPolicy, Scope, SqlText, Stage, Step, Synchronous, Workspace,
};
use carril_model::execution::Context;
use carril_model::id::{ExecutionId, ProcessId, Run, Token};
use carril_model::plan::Plan;
use carril_model::time::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The process of every attempt.
pub const PROCESS: ProcessId = ProcessId(7);

/// A cancel that a test can fire.
#[derive(Debug)]
pub struct Switch(watch::Sender<bool>);

impl Switch {
    /// Not fired.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Cancels.
    pub fn fire(&self) {
        self.0.send_replace(true);
    }
}

impl Default for Switch {
    fn default() -> Self {
        Self::new()
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

/// One attempt to be made.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each is what `StepCall` or its context has")]
pub struct Try {
    pub plan: Arc<Plan>,
    pub step: String,
    pub execution: i64,
    pub run: u32,
    pub token: i64,
    pub attempt: u32,
    pub first: bool,
    pub entity: Option<&'static str>,
    pub params: Map<String, Value>,
    pub attributes: Map<String, Value>,
    pub timeout: Duration,
    /// Tells the time from which the time-out runs.
    pub now: fn() -> Timestamp,
}

impl Try {
    /// The first attempt of an execution's step, under its first claim.
    #[must_use]
    pub fn first(plan: &Arc<Plan>, step: &str, execution: i64, now: fn() -> Timestamp) -> Self {
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
            now,
        }
    }

    /// Of this entity.
    #[must_use]
    pub const fn entity(mut self, entity: &'static str) -> Self {
        self.entity = Some(entity);
        self
    }

    /// Not the first: under this token, of this number.
    #[must_use]
    pub const fn again(mut self, token: i64, attempt: u32) -> Self {
        (self.token, self.attempt, self.first) = (token, attempt, false);
        self
    }

    /// In this run.
    #[must_use]
    pub const fn run(mut self, run: u32) -> Self {
        self.run = run;
        self
    }

    /// With an attribute of the entity.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: Value) -> Self {
        self.attributes.insert(name.to_owned(), value);
        self
    }

    /// With a parameter of the process.
    #[must_use]
    pub fn param(mut self, name: &str, value: Value) -> Self {
        self.params.insert(name.to_owned(), value);
        self
    }

    /// As an engine calls it.
    ///
    /// # Panics
    /// When the plan has no such step.
    #[must_use]
    pub fn call(&self) -> StepCall {
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
            deadline: (self.now)().after(self.timeout),
            locks: None,
        }
    }
}

/// A pipeline whose only stage has these steps, over a workspace on the warehouse.
#[derive(Debug)]
pub struct Pipeline {
    definition: Definition,
}

impl Pipeline {
    /// Steps by name, with their SQL.
    #[must_use]
    pub fn new(steps: &[(&str, &str)]) -> Self {
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
            goal: Goal::default(),
            stages: vec![stage],
        };
        Self { definition }
    }

    /// Each execution has these tables to itself.
    #[must_use]
    pub fn tables(mut self, tables: &[&str]) -> Self {
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
    ///
    /// # Panics
    /// When it has no tables yet.
    #[must_use]
    pub fn by_column(mut self, column: &str) -> Self {
        self.definition
            .workspace
            .as_mut()
            .expect("tables come first")
            .isolation = Isolation::Column(column.to_owned());
        self
    }

    /// A lane's commits survive a power failure.
    ///
    /// # Panics
    /// When it has no tables yet.
    #[must_use]
    pub fn durable(mut self) -> Self {
        self.definition
            .workspace
            .as_mut()
            .expect("tables come first")
            .synchronous = Synchronous::Full;
        self
    }

    /// Rows of a table are published.
    ///
    /// # Panics
    /// When it has no tables yet.
    #[must_use]
    pub fn publish(mut self, from: &str, into: &str, key: &[&str], current: Option<&str>) -> Self {
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

    /// A step may write these shared tables.
    ///
    /// # Panics
    /// When there is no such step.
    #[must_use]
    pub fn shared_writes(mut self, step: &str, tables: &[&str]) -> Self {
        let step = self.definition.stages[0]
            .steps
            .iter_mut()
            .find(|there| there.name == step)
            .expect("the step is there");
        step.shared_writes = tables.iter().map(|table| (*table).to_owned()).collect();
        self
    }

    /// Every step may happen again.
    #[must_use]
    pub fn at_least_once(mut self) -> Self {
        for step in &mut self.definition.stages[0].steps {
            step.effects = Effects::AtLeastOnce;
        }
        self
    }

    /// Planned.
    #[must_use]
    pub fn plan(self) -> Arc<Plan> {
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
        on_open: OnOpen::Wait,
        fallback: None,
        shared_writes: Vec::new(),
        effects: Effects::ExactlyOnce,
    }
}

/// SQL as a file of a pipeline has it.
#[must_use]
pub fn text(sql: &str) -> SqlText {
    SqlText {
        start: None,
        file: "sql/step.sql".to_owned(),
        text: sql.to_owned(),
    }
}

/// Whose workspace it is.
#[must_use]
pub const fn whose(execution: i64) -> Whose {
    Whose {
        process: PROCESS,
        execution: ExecutionId(execution),
    }
}

/// Rows of a table that a step changed.
#[must_use]
pub fn table_rows(table: &str, inserted: u64, updated: u64, deleted: u64) -> TableRows {
    TableRows {
        table: table.to_owned(),
        inserted,
        updated,
        deleted,
    }
}
