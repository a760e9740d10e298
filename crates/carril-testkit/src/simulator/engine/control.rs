//! What people ask for: launch, cancel, retry, stop; each can die half-way, and the next engine goes on.

use super::super::workload::Launching;
use super::super::world::{Event, World};
use super::Notice;
use super::lane::Signal;
use carril_model::contract::{
    Entered, Fault, Launch, Launched, NewExecution, Owned, ProcessChange, Rerun,
};
use carril_model::definition::{AbortWhen, Overlap, Scope};
use carril_model::guard;
use carril_model::id::{ExecutionId, ProcessId, StepId, Token};
use carril_model::plan::{Plan, stable_hash};
use carril_model::state::{ExecutionState, ProcessState, StepState};
use std::collections::BTreeMap;
use std::sync::Arc;

/// When a version is bad: lives are too short for as many executions as the engine wants to see.
pub(in super::super) const VERSION_RULE: AbortWhen = AbortWhen {
    failed_permille: 500,
    after: 2,
};

impl World {
    /// A store verb outside the journal: refused, done, or done with an error for an answer, after which the engine must enter again.
    pub(super) fn verb<T>(
        &mut self,
        verb: impl FnOnce(&mut Self, carril_model::id::NodeId) -> Result<T, Fault>,
    ) -> Option<T> {
        let node = self.engine.as_ref()?.node;
        if self.random.permille(self.rates.refused) {
            self.note("verb refused", [0; 4]);
            return None;
        }
        let done = verb(self, node);
        self.check_now();
        if self.random.permille(self.rates.done_but_error) {
            self.note("verb done, error", [0; 4]);
            self.crash();
            return None;
        }
        done.ok()
    }

    pub(in super::super) fn launch(&mut self, launching: &Launching) {
        let unfinished =
            |process: &super::super::store::Process| process.row.state == ProcessState::Launching;
        if self.store.tables.processes.values().any(unfinished) {
            // Launches do not overlap here: ids of a later chunk would stand behind those of the launch in between.
            return;
        }
        let plan = Arc::clone(&self.plans[launching.plan]);
        let launch = self.launch_of(&plan, launching);
        let records = self.store.version(&launch.pipeline, &launch.version);
        let refused = !launching.despite_failures
            && guard::refusal_by(VERSION_RULE, &records, &launch.version).is_some();
        if refused && self.store.answered(&launch).is_none() {
            self.note("launch refused", [0; 4]);
            return;
        }
        let max = launch.lanes;
        let many = if launching.chunked {
            launching.entities.len() / 2
        } else {
            launching.entities.len()
        };
        let (first, rest) = launching.entities.split_at(many);
        // Where lanes are limited, others may come before it.
        let at_once = if self.lanes.is_some() { 0 } else { max };
        let open = rest.is_empty().then_some(at_once);
        let which = launching.plan;
        let launched = self.verb(|world, node| {
            let launched = world.store.launch(node, &launch, first, open)?;
            if let Launched::New { process, .. } = &launched {
                world.plan_of.insert(*process, which);
            }
            Ok(launched)
        });
        let Some(Launched::New { process, claimed }) = launched else {
            return;
        };
        self.check_version(process, launching.despite_failures);
        self.note("launched", [process.0, many as i64, rest.len() as i64, 0]);
        if rest.is_empty() {
            self.adopt_launched(process, claimed);
        } else {
            let epoch = self.epoch;
            let rest = rest.to_vec();
            let wait = self.random.between(100, 20_000);
            self.after(
                wait,
                Event::Extend {
                    epoch,
                    process,
                    rest,
                },
            );
        }
    }

    pub(in super::super) fn extend(&mut self, process: ProcessId, rest: &[NewExecution]) {
        let now = self.clock();
        let max = match self.lanes {
            Some(_) => 0,
            None => self.plan_of(process).definition().lanes.max,
        };
        let extended =
            self.verb(|world, node| world.store.extend(node, process, rest, Some(max), now));
        match extended {
            Some(claimed) => self.adopt_launched(process, claimed),
            None if self.engine.is_some() => {
                self.store.abandon(process, now);
                self.tell(Notice::KeysFreed);
            }
            None => {}
        }
    }

    fn launch_of(&self, plan: &Plan, launching: &Launching) -> Launch {
        let segment = |scope| {
            plan.next_segment(scope, 0)
                .and_then(|at| u32::try_from(at).ok())
        };
        let lanes = &plan.definition().lanes;
        Launch {
            pipeline: plan.definition().name.clone(),
            version: plan.version().clone(),
            params: (*self.params).clone(),
            launched_by: String::new(),
            idempotency_key: launching.idempotency_key.clone(),
            overlap: lanes.overlap,
            lanes: lanes.max,
            lanes_auto: None,
            priority: launching.priority.unwrap_or(lanes.priority),
            targets: BTreeMap::new(),
            folder: None,
            overlap_hash: stable_hash(&[&plan.definition().name]),
            ids_above: 0,
            process_segment: segment(Scope::Process),
            entity_segment: segment(Scope::Entity),
            segments: u32::try_from(plan.segments().len()).unwrap_or(u32::MAX),
            at: self.clock(),
        }
    }

    fn adopt_launched(
        &mut self,
        process: ProcessId,
        claimed: Vec<carril_model::contract::Claimed>,
    ) {
        self.acknowledged.push(process);
        self.adopt(process, claimed);
    }

    /// Has the coordinator run a process, as the store has it now.
    pub(super) fn adopt(
        &mut self,
        process: ProcessId,
        claimed: Vec<carril_model::contract::Claimed>,
    ) {
        let Some(row) = self.store.tables.process_row(process) else {
            return;
        };
        let replaced = row.after.filter(|_| {
            self.store.tables.processes[&process].overlap == Overlap::CancelRunning
                && row.state == ProcessState::Running
        });
        let row = Box::new(row);
        self.tell(Notice::Adopt { row, claimed });
        if let Some(replaced) = replaced {
            self.cancel_process(replaced);
        }
    }

    /// A new engine takes over what the store holds.
    pub(in super::super) fn take_over(&mut self, entered: Entered) {
        for row in entered.unsettled {
            self.adopt(row.id, Vec::new());
        }
        let mut by_process: BTreeMap<ProcessId, Vec<ExecutionId>> = BTreeMap::new();
        for owned in entered.rolling_back {
            by_process
                .entry(owned.process)
                .or_default()
                .push(owned.execution);
        }
        for (process, executions) in by_process {
            self.go_on_rolling_back(process, executions);
        }
    }

    pub(in super::super) fn cancel_process(&mut self, process: ProcessId) {
        let at = self.clock();
        self.note("cancel process", [process.0, 0, 0, 0]);
        self.hand_in_change(ProcessChange::Cancel {
            process,
            state: ProcessState::Cancelled,
            reason: "somebody asked".to_owned(),
            at,
        });
    }

    /// Somebody pauses a process, or has it go on.
    pub(in super::super) fn pause(&mut self, process: ProcessId, paused: bool) {
        let at = self.clock();
        self.note(
            if paused { "pause" } else { "resume" },
            [process.0, 0, 0, 0],
        );
        self.hand_in_change(if paused {
            ProcessChange::Pause { process, at }
        } else {
            ProcessChange::Resume { process, at }
        });
    }

    pub(in super::super) fn cancel_executions(&mut self, executions: &[ExecutionId]) {
        let now = self.clock();
        let cancelled = self.verb(|world, node| world.store.cancel(node, executions, now));
        let Some((running, processes)) = cancelled else {
            return;
        };
        self.note(
            "cancelled",
            [running.len() as i64, processes.len() as i64, 0, 0],
        );
        self.revoke(&running);
        self.tell(Notice::Moved(processes));
    }

    pub(super) fn revoke(&mut self, claims: &[Owned]) {
        if let Some(engine) = &mut self.engine {
            for owned in claims {
                engine
                    .revoked
                    .insert(owned.execution, Token(owned.token.0 + 1));
            }
        }
        self.signal(Signal::Cancel, |owned| {
            claims
                .iter()
                .any(|claim| claim.execution == owned.execution)
        });
    }

    /// Runs settled executions of a process again: those that did not succeed, or all.
    pub(in super::super) fn retry(&mut self, id: ProcessId, all: bool) {
        let plan = Arc::clone(self.plan_of(id));
        let Some(engine) = &self.engine else { return };
        let mut reruns = Vec::new();
        for row in self.store.tables.executions(id) {
            let meant = row.state.is_settled()
                && !row.rolling_back
                && (all
                    || !matches!(
                        row.state,
                        ExecutionState::Succeeded | ExecutionState::Skipped
                    ));
            // A lane that has settled may still be cleaning up.
            let busy = engine.has_lane(|owned| owned.execution == row.owned.execution);
            if meant && !busy && !row.owned.per_process {
                reruns.push(next_run(&plan, row, None));
            }
        }
        let earliest = reruns.iter().map(|rerun| rerun.segment).min();
        let own = self
            .store
            .tables
            .executions(id)
            .find(|row| row.owned.per_process);
        if let Some(own) = own
            && let Some(earliest) = earliest
            && own.state.is_settled()
            && !own.rolling_back
            && !engine.has_lane(|owned| owned.execution == own.owned.execution)
        {
            let later = plan
                .next_segment(Scope::Process, earliest as usize)
                .is_some();
            if own.state != ExecutionState::Succeeded || later {
                reruns.push(next_run(&plan, own, Some(earliest)));
            }
        }
        if reruns.is_empty() {
            return;
        }
        let now = self.clock();
        let reran = self.verb(|world, node| {
            world.store.rerun(node, id, &reruns, now)?;
            for rerun in &reruns {
                let run = carril_model::id::Run(rerun.expected.0 + 1);
                let parts = rerun
                    .carried
                    .iter()
                    .map(|step| (rerun.execution, run, *step));
                world.carried.extend(parts);
            }
            Ok(())
        });
        self.note(
            "retry",
            [id.0, reruns.len() as i64, i64::from(reran.is_some()), 0],
        );
        if reran.is_some() {
            self.adopt(id, Vec::new());
            self.tell(Notice::KeysFreed);
        }
    }

    /// Stops the engine: lanes finish what runs, or are stopped, and everything is handed back.
    pub(in super::super) fn drain(&mut self, hard: bool) {
        let Some(engine) = &mut self.engine else {
            return;
        };
        engine.stopping = Some(hard);
        self.note("drain", [i64::from(hard), 0, 0, 0]);
        let signal = if hard {
            Signal::DrainHard
        } else {
            Signal::Drain
        };
        self.signal(signal, |_| true);
        let epoch = self.epoch;
        self.after(400_000, Event::HardDrain { epoch });
        self.poll_drain();
    }

    /// A stopping engine leaves when its last lane has ended and everything handed in is durable.
    pub(in super::super) fn poll_drain(&mut self) {
        let Some(engine) = &self.engine else { return };
        let busy = engine.stopping.is_none()
            || !engine.lanes.is_empty()
            || !engine.queue.is_empty()
            || engine.writing.is_some()
            || !engine.notices.is_empty()
            || !engine.rollbacks.is_empty();
        if busy {
            return;
        }
        let (node, now) = (engine.node, self.clock());
        let left = self.store.leave(node, now);
        self.note("left", [i64::from(left.is_ok()), 0, 0, 0]);
        self.check_now();
        self.engine_is_gone();
    }
}

/// An execution's next run: what succeeded is kept, but in a process's own run only what came before the lanes that run again.
fn next_run(plan: &Plan, row: &super::super::store::Row, before: Option<u32>) -> Rerun {
    let undone = row.state == ExecutionState::RolledBack;
    let segment_of = |step: StepId| plan.segment_of_stage(plan.planned(step).stage);
    let kept = |step: StepId| before.is_none_or(|before| segment_of(step) < before as usize);
    let rows = row.latest_steps();
    let succeeded = rows.iter().filter(|row| row.state == StepState::Succeeded);
    let carried: Vec<StepId> = succeeded
        .map(|row| row.step)
        .filter(|step| !undone && kept(*step))
        .collect();
    let scope = if row.owned.per_process {
        Scope::Process
    } else {
        Scope::Entity
    };
    let first_left = plan.steps().iter().find(|step| {
        plan.stage_of(step.id).per == scope && !carried.contains(&step.id) && !step.is_fallback
    });
    let segment = first_left.map_or(row.segment as usize, |step| {
        plan.segment_of_stage(step.stage)
    });
    Rerun {
        execution: row.owned.execution,
        expected: row.owned.run,
        segment: u32::try_from(segment).unwrap_or(u32::MAX),
        carried,
    }
}
