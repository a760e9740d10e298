//! Writing a pipeline in Rust: what `pipeline.toml` says, and steps that are functions besides.
//!
//! The builder only collects; [`Pipeline::build`] makes the same [`Definition`] of it that a file becomes, and has it checked
//! by the same rules. Mistakes are told all at once, as findings with codes.

mod http;
mod parameter;
mod stage;
mod step;
mod workspace;

pub use http::HttpCall;
pub use parameter::Parameter;
pub use stage::Stage;
pub use step::{Retry, Step};
pub use workspace::{Publish, Workspace};

use crate::function::Functions;
use carril_model::definition::{
    AbortWhen, Definition, Entities, Goal, Lanes, Overlap, Resource, SqlText,
};
use carril_model::expression::Expression;
use carril_model::finding::{Finding, Severity};
use carril_model::load::{self, Loaded};
use carril_model::plan::Plan;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use step::Defaults;

/// A pipeline that is being written.
///
/// ```
/// use carril::{Parameter, Pipeline, Stage, Step, Workspace};
///
/// let pipeline = Pipeline::new("fund-report")
///     .param("report_date", Parameter::date())
///     .entities_query("warehouse", "id_fund", "select id_fund, flag_ubs from funds where active = 1")
///     .lanes(50)
///     .workspace(Workspace::new(["extract"]))
///     .stage(
///         Stage::new("extract")
///             .parallel()
///             .step(Step::sql("ipa", "insert into extract select * from ipa where id_fund = :entity_key"))
///             .step(Step::sql("ubs", "insert into extract select * from ubs where id_fund = :entity_key").when("entity.flag_ubs")),
///     )
///     .build()?;
/// assert_eq!(pipeline.plan().steps().len(), 2);
/// # Ok::<(), carril::InvalidPipeline>(())
/// ```
#[derive(Debug)]
#[must_use = "a pipeline does nothing before it is built"]
pub struct Pipeline {
    name: String,
    description: Option<String>,
    params: BTreeMap<String, Parameter>,
    entities: Entities,
    lanes: Lanes,
    workspace: Option<Workspace>,
    resources: BTreeMap<String, Resource>,
    goal: Goal,
    defaults: Defaults,
    stages: Vec<Stage>,
}

impl Pipeline {
    /// A pipeline without stages, whose entities are given with each launch.
    ///
    /// A name is a letter, then up to 63 letters, digits, `_` or `-`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: None,
            params: BTreeMap::new(),
            entities: Entities::Given,
            lanes: Lanes::default(),
            workspace: None,
            resources: BTreeMap::new(),
            goal: Goal::default(),
            defaults: Defaults::default(),
            stages: Vec::new(),
        }
    }

    /// One line for people.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// A parameter that a launch sets.
    pub fn param(mut self, name: impl Into<String>, parameter: Parameter) -> Self {
        self.params.insert(name.into(), parameter);
        self
    }

    /// The entities come from a query: one row each, `key` the column of their key, every other column an attribute.
    pub fn entities_query(
        mut self,
        target: impl Into<String>,
        key: impl Into<String>,
        sql: impl Into<String>,
    ) -> Self {
        let sql = SqlText {
            file: "entities".to_owned(),
            text: sql.into(),
            start: None,
        };
        self.entities = Entities::Query {
            target: target.into(),
            key: key.into(),
            sql,
        };
        self
    }

    /// The entities are these.
    pub fn entities_list<I: IntoIterator<Item: Into<String>>>(mut self, keys: I) -> Self {
        self.entities = Entities::List(keys.into_iter().map(Into::into).collect());
        self
    }

    /// The entities are given with each launch ([`crate::Launch::entities`]); that is so unless something else is said.
    pub fn entities_given(mut self) -> Self {
        self.entities = Entities::Given;
        self
    }

    /// How many executions of one process run at once: 1 to 10,000, by default 50.
    pub fn lanes(mut self, max: u32) -> Self {
        self.lanes.max = max;
        self.lanes.auto = false;
        self
    }

    /// As many executions of one process run at once as do most; how many that are is found out while it runs, see [`crate::model::lanes`].
    pub fn lanes_auto(mut self) -> Self {
        self.lanes.max = Lanes::default().max;
        self.lanes.auto = true;
        self
    }

    /// Executions with the same value of this expression never overlap; by default that is the entity's key.
    pub fn lane_key(mut self, expression: impl Into<String>) -> Self {
        self.lanes.key = Some(Expression::from(expression.into()));
        self
    }

    /// What a launch does while a process of the same pipeline and parameters is unfinished; by default it is skipped.
    pub const fn overlap(mut self, overlap: Overlap) -> Self {
        self.lanes.overlap = overlap;
        self
    }

    /// Gives up on a process: once `after` lanes have settled and more than this share of them failed (in thousandths), the
    /// rest is cancelled and the process fails. By default that is half of them, of at least 20.
    pub const fn abort_when(mut self, failed_permille: u32, after: u64) -> Self {
        self.lanes.abort_when = Some(AbortWhen {
            failed_permille,
            after,
        });
        self
    }

    /// Never gives up on a process, however many of its lanes fail.
    pub const fn never_abort(mut self) -> Self {
        self.lanes.abort_when = None;
        self
    }

    /// How long a process should be at work at most; shown beside what it was. By default there is no such goal.
    pub fn goal_duration(mut self, longest: Duration) -> Self {
        self.goal.duration_micros = i64::try_from(longest.as_micros()).ok();
        self
    }

    /// How many entities should go through in an hour at least; shown beside how many did. By default there is no such goal.
    pub const fn goal_entities_per_hour(mut self, least: u64) -> Self {
        self.goal.entities_per_hour = Some(least);
        self
    }

    /// The tables that each execution has to itself.
    pub fn workspace(mut self, workspace: Workspace) -> Self {
        self.workspace = Some(workspace);
        self
    }

    /// The limits of a named resource, over all processes of the engine: how many steps that name it run at once (a bare number
    /// is that), how often they may begin, and when the resource is left alone.
    ///
    /// ```
    /// use carril::model::definition::{BreakerPolicy, Rate, RateUnit, Resource};
    ///
    /// let pipeline = carril::Pipeline::new("calls")
    ///     .resource("disk", 4)
    ///     .resource("api", Resource::slots(8).rate(Rate::new(10, RateUnit::Second)).breaker(BreakerPolicy::default()));
    /// # let _ = pipeline;
    /// ```
    pub fn resource(mut self, name: impl Into<String>, limits: impl Into<Resource>) -> Self {
        self.resources.insert(name.into(), limits.into());
        self
    }

    /// Where processes compete for lanes and slots, the higher goes first: -100 to 100, by default 0.
    pub const fn priority(mut self, priority: i8) -> Self {
        self.lanes.priority = priority;
        self
    }

    /// The longest run of one attempt, for steps that say nothing else; by default 60 s.
    pub const fn default_timeout(mut self, timeout: Duration) -> Self {
        self.defaults.timeout = timeout;
        self
    }

    /// When failed attempts are tried again, for steps that say nothing else; by default [`Retry::transient`] with 3 attempts.
    pub fn default_retry(mut self, retry: Retry) -> Self {
        self.defaults.retry = retry;
        self
    }

    /// The next stage.
    pub fn stage(mut self, stage: Stage) -> Self {
        self.stages.push(stage);
        self
    }

    /// Checks the pipeline and makes it ready to run.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn build(self) -> Result<PipelineDefinition, InvalidPipeline> {
        let entities_target = match &self.entities {
            Entities::Query { target, .. } => Some(target.clone()),
            Entities::List(_) | Entities::Given => None,
        };
        let mut findings = Vec::new();
        let workspace = self
            .workspace
            .and_then(|workspace| workspace.into_model(entities_target.as_deref(), &mut findings));
        let target = workspace
            .as_ref()
            .map(|workspace| workspace.target.clone())
            .or(entities_target);
        let mut building = stage::Building {
            pipeline: &self.name,
            target: target.as_deref(),
            defaults: &self.defaults,
            functions: Functions::default(),
            findings,
        };
        let stages = self
            .stages
            .into_iter()
            .map(|stage| stage.into_model(&mut building))
            .collect();
        let stage::Building {
            functions,
            mut findings,
            ..
        } = building;
        let definition = Definition {
            name: self.name.clone(),
            description: self.description,
            params: self
                .params
                .into_iter()
                .map(|(name, parameter)| (name, parameter.into_model()))
                .collect(),
            entities: self.entities,
            lanes: self.lanes,
            workspace,
            resources: self.resources,
            goal: self.goal,
            stages,
        };
        findings.extend(load::check(&definition));
        PipelineDefinition::checked(definition, functions, findings)
    }
}

/// A pipeline that can be run: its plan, and the Rust functions that its steps need.
#[derive(Debug, Clone)]
pub struct PipelineDefinition {
    plan: Arc<Plan>,
    functions: Functions,
    findings: Vec<Finding>,
}

impl PipelineDefinition {
    /// The pipeline of a folder, as [`crate::pipeline::load_dir`] loaded it.
    ///
    /// # Errors
    /// Everything that was found, if some of it is an error.
    pub fn from_loaded(loaded: Loaded) -> Result<Self, InvalidPipeline> {
        match loaded.definition {
            Some(definition) => Self::checked(definition, Functions::default(), loaded.findings),
            None => Err(InvalidPipeline {
                findings: loaded.findings,
            }),
        }
    }

    /// The same with Rust functions for the steps of its file that name some.
    #[must_use]
    pub fn with_functions(mut self, functions: &Functions) -> Self {
        self.functions.extend(functions);
        self
    }

    /// What is run.
    #[must_use]
    pub const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The Rust functions that it brings along.
    #[must_use]
    pub const fn functions(&self) -> &Functions {
        &self.functions
    }

    /// What was found and is no error.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    fn checked(
        definition: Definition,
        functions: Functions,
        findings: Vec<Finding>,
    ) -> Result<Self, InvalidPipeline> {
        if findings
            .iter()
            .any(|finding| finding.severity == Severity::Error)
        {
            return Err(InvalidPipeline { findings });
        }
        Ok(Self {
            plan: Arc::new(Plan::new(definition)),
            functions,
            findings,
        })
    }
}

/// Why a pipeline cannot be run: everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPipeline {
    /// What was found; at least one of it is an error.
    pub findings: Vec<Finding>,
}

impl std::fmt::Display for InvalidPipeline {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("the pipeline is not valid")?;
        for finding in &self.findings {
            write!(out, "\n  {finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidPipeline {}

#[cfg(test)]
mod tests;
