//! A process made ready to run on this engine: its plan, and for every step the runner and the limits it keeps.

use crate::adapt::Meter;
use crate::engine::Runners;
use crate::error::Error;
use crate::limits::{Claimant, Limits, Needs, Slot};
use carril_model::account::CauseKind;
use carril_model::contract::{
    Cancellation, ErrorClass, Pending, StepCall, StepDone, StepError, StepRunner, Target,
};
use carril_model::definition::{Action, Keep};
use carril_model::id::{ProcessId, StepId};
use carril_model::lanes::{self, Beginning};
use carril_model::plan::Plan;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// What all lanes of one process share.
pub(crate) struct ProcessRun {
    pub(crate) id: ProcessId,
    pub(crate) priority: i8,
    pub(crate) plan: Arc<Plan>,
    pub(crate) params: Arc<Map<String, Value>>,
    steps: Vec<ReadyStep>,
    /// The target that holds workspaces, if the pipeline has any.
    pub(crate) workspace: Option<Arc<dyn Target>>,
    /// These are set before lanes are signalled, so that one that begins meanwhile finds them.
    cancelled: AtomicBool,
    paused: AtomicBool,
    /// Whether its lanes end with their execution, for others to have them.
    passes_lanes_on: AtomicBool,
    /// Where the number of its lanes changes with what they see.
    pub(crate) adapts: Option<Adapts>,
    /// Lanes that are to end with their execution, as there are too many.
    too_many: AtomicU32,
}

/// How the number of a process's lanes is found out.
pub(crate) struct Adapts {
    /// The number that it never goes above.
    pub(crate) most: u32,
    pub(crate) meter: Meter,
}

struct ReadyStep {
    runner: Arc<dyn StepRunner>,
    needs: Needs,
}

/// A pipeline with its targets opened, before or after there is a process.
pub(crate) struct Ready {
    pub(crate) plan: Arc<Plan>,
    pub(crate) targets: BTreeMap<String, Arc<dyn Target>>,
    steps: Vec<ReadyStep>,
}

impl Ready {
    /// Finds a runner for every step. `urls` tells two targets of the same name apart, where pipelines share a limit.
    pub(crate) fn new(
        plan: Arc<Plan>,
        targets: BTreeMap<String, Arc<dyn Target>>,
        urls: &BTreeMap<String, String>,
        runners: &Runners,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let ready = |id: StepId| {
            let runner = runner_of(&plan, id, &targets, runners)?;
            Ok(ReadyStep {
                runner,
                needs: needs_of(&plan, id, &targets, urls, limits),
            })
        };
        let steps = plan
            .steps()
            .iter()
            .map(|step| ready(step.id))
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            plan,
            targets,
            steps,
        })
    }

    /// How a process begins whose number of lanes is found out, on a machine with so many cores.
    pub(crate) fn beginning(&self, cores: u32) -> Beginning {
        let connections = |name: &str| self.targets.get(name)?.connections();
        lanes::beginning(&self.plan, connections, cores)
    }

    /// The connections that its steps wait for, each target's once.
    fn pools(&self) -> Vec<Slot> {
        let slots = self.steps.iter().flat_map(|step| &step.needs.slots);
        let mut pools: Vec<Slot> = Vec::new();
        for slot in slots.filter(|slot| slot.is_pool()) {
            if !pools.iter().any(|pool| pool.is_same(slot)) {
                pools.push(slot.clone());
            }
        }
        pools
    }

    /// The same for one process. With `lanes_auto`, which is the number that they never go above, its lanes are found out, where that
    /// is anything but the machine's cores.
    pub(crate) fn into_run(
        self,
        id: ProcessId,
        priority: i8,
        params: Map<String, Value>,
        lanes_auto: Option<u32>,
    ) -> ProcessRun {
        let adapts = lanes_auto
            .filter(|_| self.beginning(1).adapts)
            .map(|most| Adapts {
                most,
                meter: Meter::new(self.pools()),
            });
        let workspace = self.plan.definition().workspace.as_ref();
        let workspace = workspace
            .and_then(|workspace| self.targets.get(&workspace.target))
            .cloned();
        ProcessRun {
            id,
            priority,
            plan: self.plan,
            params: Arc::new(params),
            steps: self.steps,
            workspace,
            cancelled: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            passes_lanes_on: AtomicBool::new(false),
            adapts,
            too_many: AtomicU32::new(0),
        }
    }
}

impl ProcessRun {
    pub(crate) fn runner(&self, step: StepId) -> Arc<dyn StepRunner> {
        Arc::clone(&self.steps[step.index()].runner)
    }

    /// The first step that cannot be done here, by its path, and why, if that is certain beforehand.
    pub(crate) fn refused(&self) -> Option<(&str, StepError)> {
        let mut steps = self.plan.steps().iter();
        steps.find_map(|step| {
            let error = self.steps[step.id.index()].runner.refuses(&self.plan)?;
            Some((step.path.as_str(), error))
        })
    }

    pub(crate) fn needs(&self, step: StepId) -> &Needs {
        &self.steps[step.index()].needs
    }

    /// As whom its lanes wait where processes compete.
    pub(crate) const fn claimant(&self) -> Claimant {
        Claimant {
            process: self.id,
            priority: self.priority,
        }
    }

    /// Lets no lane of this process begin anything any more.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Whether lanes of this process hand back what they have; tells whether that is new.
    pub(crate) fn pause(&self, paused: bool) -> bool {
        self.paused.swap(paused, Ordering::SeqCst) != paused
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::SeqCst)
    }

    pub(crate) fn pass_lanes_on(&self, passes: bool) {
        self.passes_lanes_on.store(passes, Ordering::SeqCst);
    }

    /// Whether a lane that comes free is not to be kept for the next of this process.
    pub(crate) fn passes_lanes_on(&self) -> bool {
        self.passes_lanes_on.load(Ordering::SeqCst)
    }

    /// So many lanes are to end with their execution.
    pub(crate) fn shed_lanes(&self, count: u32) {
        self.too_many.store(count, Ordering::SeqCst);
    }

    /// Whether a lane that comes free is one too many. Of those that ask, as many are told so as there are.
    pub(crate) fn is_one_too_many(&self) -> bool {
        let less = |count: u32| count.checked_sub(1);
        self.too_many
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
            .is_ok()
    }

    /// Whether a workspace stays after its execution succeeded or was skipped.
    pub(crate) fn keeps_workspace(&self, well: bool) -> bool {
        match self
            .plan
            .definition()
            .workspace
            .as_ref()
            .map(|workspace| workspace.keep)
        {
            Some(Keep::Always) | None => true,
            Some(Keep::Never) => false,
            Some(Keep::Failed) => !well,
        }
    }
}

fn runner_of(
    plan: &Plan,
    id: StepId,
    targets: &BTreeMap<String, Arc<dyn Target>>,
    runners: &Runners,
) -> Result<Arc<dyn StepRunner>, Error> {
    let step = plan.step(id);
    let target = |name: &str| {
        let missing = || {
            Error::refused(
                "CAR0408",
                format!(
                    "target `{name}` of step `{}` is not known here; give it with --target {name}=URL or in carril.toml",
                    plan.planned(id).path
                ),
            )
        };
        targets.get(name).cloned().ok_or_else(missing)
    };
    Ok(match &step.action {
        Action::Sql { target: name, .. } => Arc::new(SqlRunner(target(name)?)),
        Action::Publish { .. } => {
            let workspace = plan.definition().workspace.as_ref().expect("only pipelines with a workspace publish");
            Arc::new(PublishRunner(target(&workspace.target)?))
        }
        Action::Command { .. } => Arc::clone(&runners.command),
        Action::Http(_) => Arc::clone(&runners.http),
        // A step that waits has no attempts; its lane ends it when what it waits for is there.
        Action::Noop | Action::Wait(_) => Arc::new(NoopRunner),
        Action::Function { name } => runners.functions.get(name).cloned().ok_or_else(|| {
            Error::refused("CAR0512", format!("step `{}` needs the Rust function `{name}`, which this program does not register", plan.planned(id).path))
        })?,
    })
}

/// All limits of a step, slots in the one global order, and a connection of its target behind them.
fn needs_of(
    plan: &Plan,
    id: StepId,
    targets: &BTreeMap<String, Arc<dyn Target>>,
    urls: &BTreeMap<String, String>,
    limits: &Limits,
) -> Needs {
    let definition = plan.definition();
    let step = plan.step(id);
    let (mut slots, mut paces, mut guards) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for resource in &step.resources {
        let Some(resource_limits) = definition.resources.get(resource) else {
            continue;
        };
        if let Some(count) = resource_limits.slots {
            let slot = limits.slot(resource, count);
            slots.insert(format!("resource {resource}"), slot);
        }
        if let Some(rate) = resource_limits.rate {
            paces.insert(Arc::from(resource.as_str()), limits.pace(resource, rate));
        }
        if let Some(policy) = resource_limits.breaker {
            guards.insert(resource.clone(), limits.guard(resource, policy));
        }
    }
    let is_shared = !slots.is_empty() || !paces.is_empty();
    let url = |name: &str| urls.get(name).map_or_else(|| name.to_owned(), Clone::clone);
    if let Some(name) = plan.shared_target(id)
        && let Some(count) = targets.get(name).and_then(|target| target.shared_writers())
    {
        let of = format!("target {}", url(name));
        let slot = limits.own(CauseKind::Slot, &of, name, count);
        slots.insert(of, slot);
    }
    let mut slots: Vec<Slot> = slots.into_values().collect();
    if let Some(name) = plan.target_of(id)
        && let Some(count) = targets.get(name).and_then(|target| target.connections())
    {
        // A target is opened once for each name and place, and has a pool of its own each time.
        let of = format!("pool {name} {}", url(name));
        slots.push(limits.own(CauseKind::Pool, &of, name, count));
    }
    Needs {
        slots,
        paces: paces.into_iter().collect(),
        guards: guards.into_values().collect(),
        on_open: step.on_open,
        lent: limits.lent().filter(|_| is_shared).cloned(),
    }
}

struct SqlRunner(Arc<dyn Target>);

impl StepRunner for SqlRunner {
    fn run<'a>(
        &'a self,
        call: &'a StepCall,
        cancel: &'a dyn Cancellation,
    ) -> Pending<'a, Result<StepDone, StepError>> {
        self.0.run_sql(call, cancel)
    }
}

struct PublishRunner(Arc<dyn Target>);

impl StepRunner for PublishRunner {
    fn run<'a>(
        &'a self,
        call: &'a StepCall,
        cancel: &'a dyn Cancellation,
    ) -> Pending<'a, Result<StepDone, StepError>> {
        self.0.publish(call, cancel)
    }
}

struct NoopRunner;

impl StepRunner for NoopRunner {
    fn run<'a>(
        &'a self,
        _call: &'a StepCall,
        _cancel: &'a dyn Cancellation,
    ) -> Pending<'a, Result<StepDone, StepError>> {
        Box::pin(std::future::ready(Ok(StepDone::default())))
    }
}

/// Stands in for a runner that a program does not have.
pub(crate) struct NotHere {
    code: &'static str,
    message: &'static str,
}

impl NotHere {
    /// Instead of a runner of commands.
    pub(crate) const COMMANDS: Self = Self {
        code: "CAR0509",
        message: "this program runs no commands",
    };
    /// Instead of a runner of HTTP calls.
    pub(crate) const CALLS: Self = Self {
        code: "CAR0534",
        message: "this program makes no HTTP calls",
    };

    fn error(&self) -> StepError {
        StepError::new(self.code, ErrorClass::Permanent, self.message)
    }
}

impl StepRunner for NotHere {
    fn run<'a>(
        &'a self,
        _call: &'a StepCall,
        _cancel: &'a dyn Cancellation,
    ) -> Pending<'a, Result<StepDone, StepError>> {
        Box::pin(std::future::ready(Err(self.error())))
    }

    fn refuses(&self, _plan: &Plan) -> Option<StepError> {
        Some(self.error())
    }
}
