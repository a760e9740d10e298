//! A definition made ready to run: its steps numbered, its segments found, its expressions compiled.
//!
//! A *segment* is a run of neighbouring stages with the same scope. Lanes pass through an entity segment on their own; between
//! segments everybody waits for everybody (cause `barrier`). The plan is shared by every execution of a process and
//! never changes.

mod doubt;

pub use doubt::{Doubt, LastAttempt};

use crate::definition::{
    Action, Definition, Effects, OnOpen, Publish, RetryOn, RetryPolicy, Scope, Stage, Step, Version,
};
use crate::id::StepId;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// A definition made ready to run.
#[derive(Debug, Clone)]
pub struct Plan {
    written: Arc<Definition>,
    definition: Arc<Definition>,
    version: Version,
    folder: Option<String>,
    segments: Vec<Segment>,
    steps: Vec<PlannedStep>,
}

/// Neighbouring stages with the same scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// In every lane, or once.
    pub scope: Scope,
    /// Positions in [`Definition::stages`].
    pub stages: Range<usize>,
}

/// A step's place in the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    /// Its number.
    pub id: StepId,
    /// Its stage's position.
    pub stage: usize,
    /// Its position in the stage.
    pub position: usize,
    /// `stage/step`.
    pub path: String,
    /// The step of the same stage that runs when this one has failed for good.
    pub fallback: Option<StepId>,
    /// Whether it only runs as another's fallback.
    pub is_fallback: bool,
}

impl Plan {
    /// Makes a checked definition ready to run. Its version is that of the definition as written, also when `definition` is one
    /// that a plan has completed before.
    #[must_use]
    pub fn new(mut definition: Definition) -> Self {
        definition.stages.retain(|stage| !publishes(stage));
        let version = definition.version();
        let written = Arc::new(definition.clone());
        insert_publish_stages(&mut definition);
        let segments = segments_of(&definition.stages);
        let steps = number_steps(&definition.stages);
        Self {
            written,
            definition: Arc::new(definition),
            version,
            folder: None,
            segments,
            steps,
        }
    }

    /// The same plan for the processes of this folder. It is no part of the version: a pipeline is the same wherever it lies.
    #[must_use]
    pub fn in_folder(mut self, folder: Option<String>) -> Self {
        self.folder = folder;
        self
    }

    /// The folder that commands run in, and that relative programs are looked up from; absolute. `None` leaves it to the
    /// runner of commands.
    #[must_use]
    pub fn folder(&self) -> Option<&str> {
        self.folder.as_deref()
    }

    /// The definition as written, which is what a store keeps and its version is the hash of.
    #[must_use]
    pub fn written(&self) -> &Definition {
        &self.written
    }

    /// The definition, with the stages that publish.
    #[must_use]
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The hash of the definition as written.
    #[must_use]
    pub const fn version(&self) -> &Version {
        &self.version
    }

    /// All segments in order; never empty.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// All steps in order.
    #[must_use]
    pub fn steps(&self) -> &[PlannedStep] {
        &self.steps
    }

    /// A step's place.
    #[must_use]
    pub fn planned(&self, id: StepId) -> &PlannedStep {
        &self.steps[id.index()]
    }

    /// A step's definition.
    #[must_use]
    pub fn step(&self, id: StepId) -> &Step {
        let place = self.planned(id);
        &self.definition.stages[place.stage].steps[place.position]
    }

    /// A step's stage.
    #[must_use]
    pub fn stage_of(&self, id: StepId) -> &Stage {
        &self.definition.stages[self.planned(id).stage]
    }

    /// Whether a step writes the execution's own tables, or its own rows of tables that executions share.
    #[must_use]
    pub fn works_in_workspace(&self, id: StepId) -> bool {
        let step = self.step(id);
        match (&self.definition.workspace, &step.action) {
            (Some(workspace), Action::Sql { target, .. }) => {
                let is_within = step.shared_writes.is_empty() || workspace.column().is_some();
                *target == workspace.target && is_within
            }
            _ => false,
        }
    }

    /// The target on which a step's attempts take a connection, if they do.
    #[must_use]
    pub fn target_of(&self, id: StepId) -> Option<&str> {
        match &self.step(id).action {
            Action::Publish { .. } => {
                let workspace = self.definition.workspace.as_ref();
                workspace.map(|workspace| workspace.target.as_str())
            }
            Action::Sql { target, .. } => Some(target),
            _ => None,
        }
    }

    /// The target whose shared part a step acts on, if it does: everything but tables that an execution has to itself is shared.
    #[must_use]
    pub fn shared_target(&self, id: StepId) -> Option<&str> {
        match &self.step(id).action {
            Action::Publish { .. } => self.target_of(id),
            Action::Sql { target, .. } => {
                let workspace = self.definition.workspace.as_ref();
                let has_own_place = workspace.is_some_and(|workspace| workspace.column().is_none());
                (!has_own_place || !self.works_in_workspace(id)).then_some(target)
            }
            _ => None,
        }
    }

    /// The steps of one stage, in order.
    #[must_use]
    pub fn steps_of(&self, stage: usize) -> &[PlannedStep] {
        let from = self.steps.partition_point(|step| step.stage < stage);
        let until = self.steps.partition_point(|step| step.stage <= stage);
        &self.steps[from..until]
    }

    /// The step with this path, `stage/step`, or with this name where only one step has it.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<StepId> {
        if let Some(step) = self.steps.iter().find(|step| step.path == name) {
            return Some(step.id);
        }
        let mut named = self
            .steps
            .iter()
            .filter(|step| self.step(step.id).name == name);
        match (named.next(), named.next()) {
            (Some(step), None) => Some(step.id),
            _ => None,
        }
    }

    /// The steps that run one after the other when this one has failed for good: its fallback, that one's fallback, and so on.
    pub fn stand_ins(&self, id: StepId) -> impl Iterator<Item = StepId> + '_ {
        let next = |step: &StepId| self.planned(*step).fallback;
        // Loading refuses circles; a plan that has one all the same must not hang its lanes.
        std::iter::successors(self.planned(id).fallback, next).take(self.steps.len())
    }

    /// The segment that a stage belongs to.
    #[must_use]
    pub fn segment_of_stage(&self, stage: usize) -> usize {
        self.segments
            .partition_point(|segment| segment.stages.end <= stage)
    }

    /// The first segment of a scope at or after `from`.
    #[must_use]
    pub fn next_segment(&self, scope: Scope, from: usize) -> Option<usize> {
        (from..self.segments.len()).find(|at| self.segments[*at].scope == scope)
    }

    /// Whether any stage runs once per process.
    #[must_use]
    pub fn has_process_stages(&self) -> bool {
        self.segments
            .iter()
            .any(|segment| segment.scope == Scope::Process)
    }
}

fn segments_of(stages: &[Stage]) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for (at, stage) in stages.iter().enumerate() {
        match segments.last_mut() {
            Some(last) if last.scope == stage.per => last.stages.end = at + 1,
            _ => segments.push(Segment {
                scope: stage.per,
                stages: at..at + 1,
            }),
        }
    }
    segments
}

fn number_steps(stages: &[Stage]) -> Vec<PlannedStep> {
    let mut steps = Vec::new();
    for (stage_at, stage) in stages.iter().enumerate() {
        let first = steps.len();
        let id_of = |name: &str| {
            let at = stage.steps.iter().position(|step| step.name == name)?;
            u16::try_from(first + at).ok().map(StepId)
        };
        for (position, step) in stage.steps.iter().enumerate() {
            let fallback = match &step.fallback {
                Some(crate::definition::Fallback::Step(name)) => id_of(name),
                _ => None,
            };
            let is_fallback = stage
                .steps
                .iter()
                .any(|other| matches!(&other.fallback, Some(crate::definition::Fallback::Step(name)) if *name == step.name));
            let id = StepId(
                u16::try_from(first + position)
                    .expect("loading refuses pipelines of more than STEPS_MAX steps"),
            );
            steps.push(PlannedStep {
                id,
                stage: stage_at,
                position,
                path: format!("{}/{}", stage.name, step.name),
                fallback,
                is_fallback,
            });
        }
    }
    steps
}

/// Whether a stage is one that [`Plan::new`] adds.
fn publishes(stage: &Stage) -> bool {
    stage
        .steps
        .iter()
        .any(|step| matches!(step.action, Action::Publish { .. }))
}

/// How often publishing is tried at the least: for about a minute in which its target is busy, or away.
const PUBLISH_TRIES_MIN: u32 = 20;

/// Ends every segment that has something to publish with a stage that does it.
fn insert_publish_stages(definition: &mut Definition) {
    let Some(workspace) = &definition.workspace else {
        return;
    };
    let publish = workspace.publish.clone();
    let retry = publish_retry(definition);
    let written = std::mem::take(&mut definition.stages);
    let segments = segments_of(&written);
    let mut made = 0;
    for (stage_at, stage) in written.into_iter().enumerate() {
        let scope = stage.per;
        definition.stages.push(stage);
        let ends_segment = segments
            .iter()
            .any(|segment| segment.stages.end == stage_at + 1);
        if ends_segment && let Some(stage) = publish_stage(&publish, scope, (made, retry.clone())) {
            definition.stages.push(stage);
            made += 1;
        }
    }
}

/// Publishing is Carril's own, and comes when all the work of a lane is done: it is no less patient than any step before it.
fn publish_retry(definition: &Definition) -> RetryPolicy {
    let steps = definition.stages.iter().flat_map(|stage| &stage.steps);
    let sql = steps.filter(|step| matches!(step.action, Action::Sql { .. }));
    let most = sql.map(|step| step.retry.attempts).max().unwrap_or(0);
    RetryPolicy {
        attempts: most.max(PUBLISH_TRIES_MIN),
        on: RetryOn::Transient,
        ..RetryPolicy::default()
    }
}

fn publish_stage(
    publish: &[Publish],
    scope: Scope,
    (made, retry): (usize, RetryPolicy),
) -> Option<Stage> {
    let entries: Vec<usize> = publish
        .iter()
        .enumerate()
        .filter(|(_, entry)| entry.per == scope)
        .map(|(at, _)| at)
        .collect();
    if entries.is_empty() {
        return None;
    }
    let step = Step {
        name: "publish".to_owned(),
        action: Action::Publish { entries },
        when: None,
        critical: true,
        timeout: Duration::from_secs(600),
        retry,
        resources: Vec::new(),
        on_open: OnOpen::Wait,
        fallback: None,
        shared_writes: Vec::new(),
        effects: Effects::ExactlyOnce,
    };
    let name = if made == 0 {
        "publish".to_owned()
    } else {
        format!("publish-{}", made + 1)
    };
    Some(Stage {
        name,
        per: scope,
        parallel: false,
        when: None,
        steps: vec![step],
    })
}

/// A hash of texts that is the same on every machine and in every version: 63 bits of BLAKE3, so that it fits a store's integer.
#[must_use]
pub fn stable_hash(parts: &[&str]) -> i64 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        // Lengths keep ("a", "bc") apart from ("ab", "c").
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    i64::from_le_bytes(first) & i64::MAX
}

#[cfg(test)]
mod tests;
