//! From what the history tells of a process to what the model plays: attempts, what passed between them, and what neither explains.
//!
//! What an attempt waited for and the model plays anew is taken out; everything else between two attempts stays as it was: the
//! journal's acknowledgement, pauses between attempts, a breaker.

use super::pairs::Use;
use super::{Act, Job, Numbers, Recording, Segment};
use crate::account::CauseKind;
use crate::contract::{AttemptRow, ExecutionRow, ProcessRow};
use crate::definition::{Action, Scope};
use crate::figures::Trouble;
use crate::id::{Run, StepId};
use crate::plan::Plan;
use crate::state::StepState;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Waits that the model plays anew.
const PLAYED: &[CauseKind] = &[
    CauseKind::Queued,
    CauseKind::Slot,
    CauseKind::Rate,
    CauseKind::Pool,
];

/// Causes that the model keeps as they were, so that a process in which they matter is not told well by it.
const UNKNOWN: &[CauseKind] = &[
    CauseKind::Lock,
    CauseKind::Breaker,
    CauseKind::Key,
    CauseKind::Paused,
    CauseKind::Signal,
    CauseKind::Approval,
    CauseKind::Recovering,
    CauseKind::OutcomeUnknown,
    CauseKind::NoNode,
];

/// What took less than this share of all lanes' time is no reason to doubt, in thousandths.
const DOUBT_PERMILLE: i64 = 10;

/// Time that the model does not play.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Doubt {
    /// What it was spent on.
    pub cause: CauseKind,
    /// How much, over all executions.
    pub micros: i64,
}

/// Why a process cannot be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRecorded {
    /// It has not ended.
    Unsettled,
    /// Another program ran it, and nobody knows when its stages were.
    Imported,
    /// No attempt of it ran.
    Nothing,
}

/// Gathers a process, execution by execution, in order of id.
#[derive(Debug)]
pub struct Recorder<'a> {
    process: &'a ProcessRow,
    plan: &'a Plan,
    connections: u32,
    segments: Vec<Gathered>,
    uses: Vec<Use>,
    spent: BTreeMap<CauseKind, i64>,
    first_lane: Option<i64>,
    last_end: i64,
    ran_again: bool,
}

#[derive(Debug, Default)]
struct Gathered {
    jobs: Vec<Job>,
    began: Option<i64>,
    ended: i64,
}

impl<'a> Recorder<'a> {
    /// For a process with its plan; `connections` is how many a target on a server has.
    ///
    /// # Errors
    /// As [`NotRecorded`].
    pub fn new(
        process: &'a ProcessRow,
        plan: &'a Plan,
        connections: u32,
    ) -> Result<Self, NotRecorded> {
        if plan.definition().is_imported() {
            return Err(NotRecorded::Imported);
        }
        if process.ended_at.is_none() || !process.state.is_settled() {
            return Err(NotRecorded::Unsettled);
        }
        let segments = plan.segments().iter().map(|_| Gathered::default());
        Ok(Self {
            process,
            plan,
            connections,
            segments: segments.collect(),
            uses: Vec::new(),
            spent: BTreeMap::new(),
            first_lane: None,
            last_end: process.launched_at.0,
            ran_again: false,
        })
    }

    /// Adds an execution with all its attempts. Only its first run is played; later ones ran at another time.
    pub fn add(&mut self, row: &ExecutionRow, attempts: &[AttemptRow]) {
        for (cause, micros) in row.account.sums() {
            *self.spent.entry(*cause).or_default() += micros;
        }
        self.ran_again |= row.run != Run(1);
        let ran: Vec<(StepId, &AttemptRow)> = attempts
            .iter()
            .filter(|one| one.run == Run(1) && one.attempt > 0 && one.carried_from.is_none())
            .filter(|one| one.ended.is_some() && one.state != StepState::Interrupted)
            .filter_map(|one| {
                let id = self.plan.find(&format!("{}/{}", one.stage, one.step))?;
                Some((id, one))
            })
            .collect();
        self.uses.extend(ran.iter().map(|(_, one)| used(one)));
        let is_first_run = row.run == Run(1);
        let started = row.started_at.filter(|_| is_first_run).map(|at| at.0);
        if row.entity.is_some()
            && let Some(started) = started
        {
            self.first_lane = Some(self.first_lane.map_or(started, |first| first.min(started)));
        }
        self.segments_of(row, &ran, started);
        let ended = row.ended_at.filter(|_| is_first_run).map(|at| at.0);
        let ends = ran.iter().filter_map(|(_, one)| one.ended.map(|at| at.0));
        self.last_end = ends.chain(ended).fold(self.last_end, i64::max);
    }

    fn segments_of(
        &mut self,
        row: &ExecutionRow,
        ran: &[(StepId, &AttemptRow)],
        started: Option<i64>,
    ) {
        let scope = if row.entity.is_some() {
            Scope::Entity
        } else {
            Scope::Process
        };
        let segments = self.plan.segments();
        let last = (0..segments.len()).rev().find(|at| {
            let stages = &segments[*at].stages;
            ran.iter()
                .any(|(id, _)| stages.contains(&self.plan.planned(*id).stage))
        });
        let mut from = started;
        for (at, segment) in segments.iter().enumerate() {
            let of: Vec<&(StepId, &AttemptRow)> = ran
                .iter()
                .filter(|(id, _)| segment.stages.contains(&self.plan.planned(*id).stage))
                .collect();
            if of.is_empty() || segment.scope != scope {
                continue;
            }
            let (mut job, began, ended) = self.job(segment.stages.clone(), &of, from.take());
            if Some(at) == last
                && row.run == Run(1)
                && let Some(settled) = row.ended_at
            {
                job.after_micros = (settled.0 - ended).max(0);
            }
            let gathered = &mut self.segments[at];
            gathered.began = Some(gathered.began.map_or(began, |first| first.min(began)));
            gathered.ended = gathered.ended.max(ended + job.after_micros);
            gathered.jobs.push(job);
        }
    }

    /// The job of one execution in one segment, when it began and when its last attempt ended.
    fn job(
        &self,
        stages: std::ops::Range<usize>,
        ran: &[&(StepId, &AttemptRow)],
        started: Option<i64>,
    ) -> (Job, i64, i64) {
        let first = ran.iter().map(|(_, one)| one.began.0).min().unwrap_or(0);
        let began = started.unwrap_or(first);
        let mut until = began;
        let mut job = Job::default();
        for stage in stages {
            let mut of: Vec<&&(StepId, &AttemptRow)> = ran
                .iter()
                .filter(|(id, _)| self.plan.planned(*id).stage == stage)
                .collect();
            of.sort_by_key(|(_, one)| one.began);
            let parallel = self.plan.definition().stages[stage].parallel;
            let mut tracks: BTreeMap<u16, (i64, Vec<Act>)> = BTreeMap::new();
            for (id, one) in of {
                // What stands in for a step follows it in its track.
                let of = if parallel { self.track(*id) } else { 0 };
                let (before, acts) = tracks.entry(of).or_insert_with(|| (until, Vec::new()));
                acts.push(self.act(*id, one, *before));
                *before = one.ended.map_or(*before, |at| at.0.max(*before));
            }
            until = tracks.values().map(|(end, _)| *end).fold(until, i64::max);
            job.phases
                .push(tracks.into_values().map(|(_, acts)| acts).collect());
        }
        (job, began, until)
    }

    fn track(&self, id: StepId) -> u16 {
        let stands_for = self
            .plan
            .steps()
            .iter()
            .find(|step| self.plan.stand_ins(step.id).any(|other| other == id));
        stands_for.map_or(id.0, |step| step.id.0)
    }

    fn act(&self, id: StepId, one: &AttemptRow, since: i64) -> Act {
        let step = self.plan.step(id);
        let ended = one.ended.map_or(one.began.0, |at| at.0);
        let played: i64 = one
            .waits
            .iter()
            .filter(|(cause, _)| PLAYED.contains(&cause.kind))
            .map(|(_, micros)| *micros)
            .sum();
        let definition = self.plan.definition();
        // Also those that limit nothing: somebody may ask what slots of them would do.
        let mut resources: Vec<String> = step
            .resources
            .iter()
            .cloned()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        if let Some(target) = self.plan.shared_target(id)
            && self.is_file(target)
        {
            resources.push(self.slots_of_file(target));
        }
        let target = match &step.action {
            Action::Sql { target, .. } => Some(target.clone()),
            Action::Publish { .. } => definition.workspace.as_ref().map(|one| one.target.clone()),
            _ => None,
        };
        Act {
            before_micros: (one.began.0 - since - played).max(0),
            resources,
            target: target.filter(|name| !self.is_file(name)),
            busy_micros: (ended - one.began.0).max(0),
            parks: step.wait().is_some(),
        }
    }

    /// A SQLite file has one writer at a time, which is a slot.
    fn is_file(&self, target: &str) -> bool {
        let url = self.process.targets.get(target);
        url.is_some_and(|url| url.starts_with("sqlite:"))
    }

    fn slots_of_file(&self, target: &str) -> String {
        if self.plan.definition().resources.contains_key(target) {
            format!("file of {target}")
        } else {
            target.to_owned()
        }
    }

    /// The numbers that it ran with.
    fn numbers(&self) -> Numbers {
        let definition = self.plan.definition();
        let mut slots: BTreeMap<String, u32> = definition
            .resources
            .iter()
            .filter_map(|(name, resource)| Some((name.clone(), resource.slots?)))
            .collect();
        let mut pools = BTreeMap::new();
        for step in self.plan.steps() {
            let action = &self.plan.step(step.id).action;
            if let Some(target) = self.plan.shared_target(step.id)
                && self.is_file(target)
            {
                slots.insert(self.slots_of_file(target), 1);
            }
            if let Action::Sql { target, .. } = action
                && !self.is_file(target)
            {
                pools.insert(target.clone(), self.connections);
            }
        }
        Numbers {
            lanes: self.process.lanes,
            slots,
            pools,
        }
    }

    /// The recording, and the attempts for [`super::pairs`].
    ///
    /// # Errors
    /// [`NotRecorded::Nothing`].
    pub fn finish(mut self) -> Result<(Recording, Vec<Use>), NotRecorded> {
        if self.uses.is_empty() {
            return Err(NotRecorded::Nothing);
        }
        let launched = self.process.launched_at.0;
        let ended = match self.process.ended_at {
            Some(ended) if !self.ran_again => ended.0.max(self.last_end),
            _ => self.last_end,
        };
        let mut until = self.first_lane.unwrap_or(launched);
        let mut around = (until - launched).max(0);
        let mut segments = Vec::with_capacity(self.segments.len());
        let scopes: Vec<bool> = self
            .plan
            .segments()
            .iter()
            .map(|segment| segment.scope == Scope::Process)
            .collect();
        for (gathered, per_process) in std::mem::take(&mut self.segments).into_iter().zip(scopes) {
            let Some(began) = gathered.began else {
                continue;
            };
            segments.push(Segment {
                before_micros: (began - until).max(0),
                per_process,
                jobs: gathered.jobs,
            });
            until = gathered.ended.max(until);
        }
        around += (ended - until).max(0);
        let rates = self.plan.definition().resources.iter();
        let rates = rates.filter_map(|(name, resource)| Some((name.clone(), resource.rate?)));
        let recording = Recording {
            numbers: self.numbers(),
            measured_micros: ended - launched,
            around_micros: around,
            rates: rates.collect(),
            segments,
            doubts: self.doubts(),
        };
        Ok((recording, self.uses))
    }

    fn doubts(&self) -> Vec<Doubt> {
        let all: i64 = self.spent.values().sum();
        let mut doubts: Vec<Doubt> = UNKNOWN
            .iter()
            .filter_map(|cause| {
                let micros = *self.spent.get(cause)?;
                let matters = micros.saturating_mul(1_000) >= all.saturating_mul(DOUBT_PERMILLE);
                matters.then_some(Doubt {
                    cause: *cause,
                    micros,
                })
            })
            .collect();
        doubts.sort_by_key(|doubt| std::cmp::Reverse(doubt.micros));
        doubts
    }
}

/// An attempt as the pairs look at it.
fn used(one: &AttemptRow) -> Use {
    let error = one.error.as_ref();
    let trouble = error.and_then(|error| Trouble::of(&error.code, error.native.as_deref()));
    let locked = |cause: &CauseKind| *cause == CauseKind::Lock;
    Use {
        execution: one.execution.0,
        stage: one.stage.clone(),
        began: one.began.0,
        ended: one.ended.map_or(one.began.0, |at| at.0),
        deadlocked: matches!(trouble, Some(Trouble::Deadlock | Trouble::Serialisation)),
        waited: trouble == Some(Trouble::LockTimeout)
            || one
                .waits
                .iter()
                .any(|(cause, micros)| locked(&cause.kind) && *micros > 0),
    }
}
