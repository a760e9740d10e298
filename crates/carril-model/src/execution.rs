//! One execution's state machine.

use crate::id::{ExecutionId, ProcessId, Run, StepId};
use crate::plan::Plan;
use crate::sql::Lookup;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whose values placeholders and expressions see.
#[derive(Debug, Clone)]
pub struct Context {
    /// The process.
    pub process: ProcessId,
    /// The execution.
    pub execution: ExecutionId,
    /// The run.
    pub run: Run,
    /// The entity's key; `None` in per-process stages.
    pub entity_key: Option<Arc<str>>,
    /// The parameters.
    pub params: Arc<Map<String, Value>>,
    /// The entity's attributes.
    pub entity: Arc<Map<String, Value>>,
    /// Outputs of earlier steps.
    pub outputs: BTreeMap<StepId, Value>,
    /// What is being run.
    pub plan: Arc<Plan>,
}

impl Lookup for Context {
    fn get(&self, _name: &str) -> Option<Value> {
        None
    }
}
