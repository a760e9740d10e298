//! A call of one step, a wish to stop it, and a look at processes.

use carril_model::contract::{Cancellation, Pending, StepCall, StepDone, StepError, StepRunner};
use carril_model::definition::{
    Action, Definition, Effects, Entities, Lanes, RetryPolicy, Scope, Stage, Step,
};
use carril_model::execution::Context;
use carril_model::id::{ExecutionId, ProcessId, Run, StepId, Token};
use carril_model::plan::Plan;
use carril_model::time::Timestamp;
use carril_steps::command::{CommandOptions, CommandRunner};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::watch;

/// Longest wait for anything; far more than anything takes.
const LIMIT: Duration = Duration::from_secs(30);
pub(crate) const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// One command step in a folder of its own.
pub(crate) struct Case {
    pub(crate) folder: TempDir,
    pub(crate) options: CommandOptions,
    /// What the process keeps.
    pub(crate) kept: Option<String>,
    pub(crate) argv: Vec<String>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) json: bool,
    pub(crate) entity_key: Option<String>,
    pub(crate) entity: Value,
    pub(crate) params: Value,
}

impl Case {
    pub(crate) fn new(argv: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            options: CommandOptions::new(folder.path(), PATH),
            folder,
            kept: None,
            argv: argv.iter().map(|&argument| argument.to_owned()).collect(),
            env: BTreeMap::new(),
            json: false,
            entity_key: Some("IPA 01".to_owned()),
            entity: json!({"flag_ubs": true, "size": 3}),
            params: json!({"report_date": "2025-06-30"}),
        }
    }

    /// A script; its braces are braces.
    pub(crate) fn sh(script: &str) -> Self {
        Self::new(&["sh", "-c", &script.replace('{', "{{").replace('}', "}}")])
    }

    pub(crate) fn json(self) -> Self {
        Self { json: true, ..self }
    }

    pub(crate) fn call(&self) -> StepCall {
        let action = Action::Command {
            argv: self.argv.clone(),
            env: self.env.clone(),
            json: self.json,
        };
        let call = call_of(
            action,
            self.entity_key.as_deref(),
            &self.entity,
            &self.params,
        );
        let plan = Plan::clone(&call.plan).in_folder(self.kept.clone());
        StepCall {
            plan: Arc::new(plan),
            ..call
        }
    }

    /// Runs it until it ends by itself.
    pub(crate) async fn run(&self) -> Result<StepDone, StepError> {
        self.run_with(&Stop::new()).await
    }

    pub(crate) async fn run_with(&self, stop: &Stop) -> Result<StepDone, StepError> {
        let call = self.call();
        let runner = CommandRunner::new(self.options.clone());
        within_limit(runner.run(&call, stop)).await
    }

    /// Runs it until `when` resolves, then asks it to stop.
    pub(crate) async fn stop_when(
        &self,
        when: impl Future<Output = ()>,
    ) -> Result<StepDone, StepError> {
        let stop = Stop::new();
        let asking = async {
            when.await;
            stop.ask();
        };
        tokio::join!(self.run_with(&stop), asking).0
    }

    /// Waits until the script has made this file, and gives the process ids that are in it.
    pub(crate) async fn pids(&self, file: &str) -> Vec<u32> {
        let file: PathBuf = self.folder.path().join(file);
        until("the script says that it is ready", || file.exists()).await;
        let text = fs::read_to_string(file).unwrap();
        text.split_whitespace()
            .map(|pid| pid.parse().unwrap())
            .collect()
    }
}

/// The third attempt of a step in the second run.
pub(crate) fn call_of(
    action: Action,
    entity_key: Option<&str>,
    entity: &Value,
    params: &Value,
) -> StepCall {
    let plan = Arc::new(Plan::new(definition(action)));
    let context = Context {
        process: ProcessId(7),
        execution: ExecutionId(42),
        run: Run(2),
        entity_key: entity_key.map(Arc::from),
        params: object(params),
        entity: object(entity),
        outputs: BTreeMap::new(),
        plan: Arc::clone(&plan),
    };
    StepCall {
        has_workspace: false,
        worked: Vec::new(),
        plan,
        step: StepId(0),
        attempt: 3,
        token: Token(1),
        first: false,
        context: Arc::new(context),
        deadline: Timestamp(0),
        locks: None,
    }
}

/// The log of an attempt that must have succeeded.
pub(crate) async fn log_of(case: Case) -> String {
    case.run()
        .await
        .expect("the command succeeds")
        .log
        .unwrap_or_default()
}

/// The error of an attempt that must have failed.
pub(crate) async fn error_of(case: Case) -> StepError {
    case.run().await.expect_err("the command fails")
}

/// A wish to stop that the test makes.
pub(crate) struct Stop(watch::Sender<bool>);

impl Stop {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn ask(&self) {
        self.0.send_replace(true);
    }
}

impl Cancellation for Stop {
    fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    fn cancelled(&self) -> Pending<'_, ()> {
        let mut asked = self.0.subscribe();
        Box::pin(async move {
            asked.wait_for(|asked| *asked).await.unwrap();
        })
    }

    fn shared(&self) -> Arc<dyn Cancellation> {
        Arc::new(Self(self.0.clone()))
    }
}

/// Fails the test when it takes too long.
pub(crate) async fn within_limit<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future)
        .await
        .expect("it ends before the limit")
}

/// Waits for a condition that another process brings about.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(2));
    let waiting = async {
        while !condition() {
            look.tick().await;
        }
    };
    assert!(
        tokio::time::timeout(LIMIT, waiting).await.is_ok(),
        "never true: {what}"
    );
}

/// Waits until none of these processes runs any more.
pub(crate) async fn until_gone(pids: &[u32]) {
    until("the processes are gone", || {
        !pids.iter().any(|pid| is_alive(*pid))
    })
    .await;
}

/// Whether a process runs; one that has ended and waits to be collected does not.
pub(crate) fn is_alive(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    // The name in brackets may hold anything, so the state is looked for after its end.
    let state = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    !matches!(state, Some('Z' | 'X'))
}

fn object(value: &Value) -> Arc<Map<String, Value>> {
    Arc::new(value.as_object().unwrap().clone())
}

fn definition(action: Action) -> Definition {
    let step = Step {
        name: "load".to_owned(),
        action,
        when: None,
        critical: true,
        timeout: Duration::from_secs(60),
        retry: RetryPolicy::default(),
        resources: Vec::new(),
        on_open: Default::default(),
        fallback: None,
        shared_writes: Vec::new(),
        effects: Effects::AtLeastOnce,
    };
    let stage = Stage {
        name: "extract".to_owned(),
        per: Scope::Entity,
        parallel: false,
        when: None,
        steps: vec![step],
    };
    Definition {
        name: "commands".to_owned(),
        description: None,
        params: BTreeMap::new(),
        entities: Entities::Given,
        lanes: Lanes::default(),
        workspace: None,
        resources: BTreeMap::new(),
        goal: carril_model::definition::Goal::default(),
        stages: vec![stage],
    }
}
