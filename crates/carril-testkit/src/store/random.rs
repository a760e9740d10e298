//! Random histories: many short lives of a store, drawn from a seed, with every promise checked after every act.
//!
//! The acts are data ([`Act`]), so that a backend's own tests may draw them too and shrink what fails.

use super::{Harness, end_of, step_end};
use carril_model::account::{Cause, CauseKind};
use carril_model::contract::{Change, Claimed, Owned, ProcessChange, Record, Rerun, Verdict};
use carril_model::id::{ExecutionId, ProcessId};
use carril_model::retry::mix;
use carril_model::state::{ExecutionState, ProcessState};
use std::collections::BTreeMap;

/// How many lives are drawn, and how many acts each has.
const LIVES: u64 = 12;
const ACTS: u64 = 60;
/// Executions of a launch share this many lane keys.
const KEYS: i64 = 4;

/// Something that happens to a store. Numbers choose among what is there, by remainder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A launch of so many entities, in three segments or one.
    Launch(u8, bool),
    /// A claim of so many, from this process.
    Claim(u8, u8),
    /// An attempt of a claimed execution ends.
    Step(u8, u8),
    /// A claimed execution ends in this state.
    Settle(u8, u8),
    /// A claimed execution parks before the last segment.
    Park(u8),
    /// A claimed execution is handed back.
    Release(u8),
    /// A process goes to its next segment, if it may.
    Advance(u8),
    /// A process settles, if it may.
    SettleProcess(u8),
    /// A process is cancelled.
    CancelProcess(u8),
    /// Single executions of a process are cancelled.
    Cancel(u8, u8),
    /// The settled executions of a process run again, in this segment.
    Rerun(u8, u8),
    /// A rollback of an execution begins.
    BeginRollback(u8, u8),
    /// A rollback that has begun is done.
    RolledBack(u8),
    /// Somebody writes with a claim that is no longer his.
    Stale(u8),
    /// The engine dies and another enters.
    Crash,
}

/// Draws an act from 64 random bits.
#[must_use]
pub fn act(bits: u64) -> Act {
    let [kind, first, second, third, ..] = mix(bits).to_le_bytes();
    match kind % 24 {
        0..=2 => Act::Launch(first % 6, second % 2 == 0),
        3..=7 => Act::Claim(first, second % 5),
        8..=10 => Act::Step(first, second),
        11..=14 => Act::Settle(first, third),
        15 => Act::Park(first),
        16 => Act::Release(first),
        17 => Act::Advance(first),
        18 => Act::SettleProcess(first),
        19 if second % 4 == 0 => Act::CancelProcess(first),
        19 => Act::Cancel(first, second),
        20 => Act::Rerun(first, second),
        21 => Act::BeginRollback(first, second),
        22 => Act::RolledBack(first),
        _ if first % 3 == 0 => Act::Crash,
        _ => Act::Stale(first),
    }
}

/// One life of a store.
#[derive(Default)]
struct Life {
    processes: Vec<ProcessId>,
    claimed: Vec<Claimed>,
    stale: Vec<Claimed>,
    rolling_back: Vec<Owned>,
    lane_of: BTreeMap<ExecutionId, i64>,
}

/// Draws lives from fixed seeds; a failure prints the acts that led to it.
pub fn random_histories_keep_every_promise(harness: &mut Harness) {
    for life in 0..LIVES {
        let acts: Vec<Act> = (0..ACTS).map(|at| act(life * 1_000 + at)).collect();
        live(harness, &acts);
    }
}

/// Lives through acts one after the other, and checks everything after each.
pub fn live(harness: &mut Harness, acts: &[Act]) {
    let mut life = Life::default();
    for (at, act) in acts.iter().enumerate() {
        harness.tick(1_000);
        life.act(harness, *act);
        life.check(harness, &acts[..=at]);
    }
    life.end(harness);
}

fn choose<T>(from: &[T], by: u8) -> Option<&T> {
    (!from.is_empty()).then(|| &from[usize::from(by) % from.len()])
}

impl Life {
    fn act(&mut self, harness: &mut Harness, act: Act) {
        match act {
            Act::Launch(many, segments) => self.launch(harness, many, segments),
            Act::Claim(process, max) => {
                let Some(process) = choose(&self.processes, process).copied() else {
                    return;
                };
                self.claimed.extend(harness.claim(process, u32::from(max)));
            }
            Act::Step(which, step) => self.step(harness, which, step),
            Act::Settle(which, state) => self.settle(harness, which, state),
            Act::Park(which) => self.park(harness, which),
            Act::Release(which) => self.release(harness, which),
            Act::Advance(_) | Act::SettleProcess(_) | Act::CancelProcess(_) => {
                self.change(harness, act);
            }
            Act::Cancel(process, which) => self.cancel(harness, process, which),
            Act::Rerun(process, segment) => self.rerun(harness, process, segment),
            Act::BeginRollback(process, which) => self.begin_rollback(harness, process, which),
            Act::RolledBack(which) => self.rolled_back(harness, which),
            Act::Stale(which) => self.stale(harness, which),
            Act::Crash => {
                let entered = harness.crash();
                assert_eq!(
                    entered.rolling_back.len(),
                    self.rolling_back.len(),
                    "every rollback under way is told"
                );
                assert_eq!(
                    usize::try_from(entered.reclaimed).unwrap_or(usize::MAX),
                    self.claimed.len(),
                    "every claim is taken back"
                );
                self.rolling_back = entered.rolling_back;
                self.stale.append(&mut self.claimed);
            }
        }
    }

    fn launch(&mut self, harness: &Harness, many: u8, segments: bool) {
        let many = usize::from(many);
        let mut spec = if segments {
            harness.spec_in_segments(many)
        } else {
            harness.spec(many)
        };
        for (entity, lane) in spec.entities.iter_mut().zip((0..KEYS).cycle()) {
            entity.lane_hash = lane;
        }
        spec.open = 2;
        let (process, claimed) = harness.launch(&spec);
        let own = harness.process(process).own;
        let entities = harness
            .executions(process)
            .into_iter()
            .filter(|(owned, _, _)| Some(owned.execution) != own);
        self.lane_of.extend(
            entities
                .map(|(owned, _, _)| owned.execution)
                .zip((0..KEYS).cycle()),
        );
        self.processes.push(process);
        self.claimed.extend(claimed);
    }

    fn step(&self, harness: &Harness, which: u8, step: u8) {
        let Some(claimed) = choose(&self.claimed, which) else {
            return;
        };
        let now = harness.now();
        let end = carril_model::contract::StepEnd {
            attempt: u32::try_from(now.0 % 1_000_000_000).unwrap_or(1),
            ..step_end(u16::from(step % 3), now, now)
        };
        harness.accept(claimed.owned, Change::StepEnded(Box::new(end)));
    }

    /// Takes a claim out of our hands; afterwards it is stale.
    fn give_up(&mut self, which: u8) -> Option<Claimed> {
        let at = (!self.claimed.is_empty()).then(|| usize::from(which) % self.claimed.len())?;
        let claimed = self.claimed.swap_remove(at);
        self.stale.push(claimed.clone());
        Some(claimed)
    }

    fn settle(&mut self, harness: &Harness, which: u8, state: u8) {
        let Some(claimed) = self.give_up(which) else {
            return;
        };
        let states = [
            ExecutionState::Succeeded,
            ExecutionState::Failed,
            ExecutionState::Skipped,
            ExecutionState::Cancelled,
        ];
        let record = end_of(
            &claimed,
            states[usize::from(state) % states.len()],
            harness.now(),
        );
        assert_eq!(harness.records(vec![record]), [Verdict::Done]);
    }

    fn park(&mut self, harness: &Harness, which: u8) {
        let Some(claimed) = choose(&self.claimed, which) else {
            return;
        };
        let in_segments = harness.process(claimed.owned.process).own.is_some();
        if in_segments && claimed.segment == 0 && !claimed.owned.per_process {
            let claimed = self.give_up(which).expect("it was just there");
            harness.park(&claimed, 2);
        }
    }

    fn release(&mut self, harness: &Harness, which: u8) {
        let Some(mut claimed) = self.give_up(which) else {
            return;
        };
        claimed
            .account
            .switch(Cause::plain(CauseKind::Queued), harness.now());
        harness.accept(
            claimed.owned,
            Change::Released {
                account: claimed.account.clone(),
            },
        );
    }

    fn change(&self, harness: &Harness, act: Act) {
        let (Act::Advance(which) | Act::SettleProcess(which) | Act::CancelProcess(which)) = act
        else {
            return;
        };
        let Some(process) = choose(&self.processes, which).copied() else {
            return;
        };
        let (row, at) = (harness.process(process), harness.now());
        let last = if row.own.is_some() { 2 } else { 0 };
        match act {
            Act::Advance(_) if row.segment < last => {
                harness.change(ProcessChange::Advance {
                    process,
                    from: row.segment,
                    to: row.segment + 1,
                    at,
                });
            }
            Act::SettleProcess(_) => {
                harness.change(ProcessChange::Settle {
                    process,
                    state: ProcessState::CompletedWithErrors,
                    reason: None,
                    at,
                });
            }
            Act::CancelProcess(_) => {
                let reason = "drawn".to_owned();
                harness.change(ProcessChange::Cancel {
                    process,
                    state: ProcessState::Cancelled,
                    reason,
                    at,
                });
            }
            _ => {}
        }
    }

    fn cancel(&self, harness: &Harness, process: u8, which: u8) {
        let Some(process) = choose(&self.processes, process).copied() else {
            return;
        };
        let Some((owned, _, _)) = choose(&harness.executions(process), which).copied() else {
            return;
        };
        let (running, _) = harness
            .wait(
                harness
                    .store()
                    .cancel(&[owned.execution], "drawn", harness.now()),
            )
            .expect("it is cancelled");
        for owned in running {
            assert!(
                self.claimed.iter().any(|one| one.owned == owned),
                "only who is claimed runs"
            );
        }
    }

    fn rerun(&self, harness: &Harness, process: u8, segment: u8) {
        let Some(process) = choose(&self.processes, process).copied() else {
            return;
        };
        let last = if harness.process(process).own.is_some() {
            2
        } else {
            0
        };
        let segment = u32::from(segment) % (last + 1);
        let reruns: Vec<Rerun> = harness
            .executions(process)
            .into_iter()
            .filter(|(owned, state, _)| {
                state.is_settled()
                    && !self
                        .rolling_back
                        .iter()
                        .any(|other| other.execution == owned.execution)
            })
            .map(|(owned, _, _)| {
                let segment = if owned.per_process {
                    1
                } else if segment == 1 {
                    2
                } else {
                    segment
                };
                Rerun {
                    execution: owned.execution,
                    expected: owned.run,
                    segment,
                    carried: Vec::new(),
                }
            })
            .collect();
        let before = harness.executions(process);
        // A process that is past the segment, or being cancelled, refuses; then nothing must have changed.
        if harness
            .wait(harness.store().rerun(process, &reruns, harness.now()))
            .is_err()
        {
            assert_eq!(harness.executions(process), before);
        }
    }

    fn begin_rollback(&mut self, harness: &Harness, process: u8, which: u8) {
        let Some(process) = choose(&self.processes, process).copied() else {
            return;
        };
        let Some((owned, _, _)) = choose(&harness.executions(process), which).copied() else {
            return;
        };
        let begun = harness
            .wait(
                harness
                    .store()
                    .begin_rollback(&[owned.execution], harness.now()),
            )
            .expect("it begins");
        self.rolling_back
            .retain(|other| other.execution != owned.execution);
        self.rolling_back.extend(begun);
        let taken = self
            .claimed
            .iter()
            .position(|one| one.owned.execution == owned.execution);
        if let Some(at) = taken {
            let claimed = self.claimed.swap_remove(at);
            self.stale.push(claimed);
        }
    }

    fn rolled_back(&mut self, harness: &Harness, which: u8) {
        if self.rolling_back.is_empty() {
            return;
        }
        let at = usize::from(which) % self.rolling_back.len();
        let owned = self.rolling_back.swap_remove(at);
        harness.accept(
            owned,
            Change::RolledBack {
                at: harness.now(),
                rows: Vec::new(),
            },
        );
    }

    fn stale(&self, harness: &Harness, which: u8) {
        let Some(claimed) = choose(&self.stale, which) else {
            return;
        };
        let now = harness.now();
        let step = Record {
            owned: claimed.owned,
            change: Change::StepEnded(Box::new(step_end(0, now, now))),
        };
        let end = end_of(claimed, ExecutionState::Succeeded, now);
        assert_eq!(
            harness.records(vec![step, end]),
            [Verdict::Lost, Verdict::Lost]
        );
    }

    /// Ends everything, so that the next life finds every lane key free.
    fn end(&mut self, harness: &Harness) {
        while let Some(claimed) = self.give_up(0) {
            harness.settle(&[claimed], ExecutionState::Cancelled);
        }
        while !self.rolling_back.is_empty() {
            self.rolled_back(harness, 0);
        }
        let at = harness.now();
        for process in self.processes.iter().copied() {
            let (state, reason) = (ProcessState::Cancelled, "over".to_owned());
            harness.change(ProcessChange::Cancel {
                process,
                state,
                reason,
                at,
            });
        }
        // Those that ran while they were cancelled, and whose engine then died, are pending; they must be claimed to end.
        while self
            .processes
            .iter()
            .any(|process| self.finish(harness, *process))
        {}
        for process in self.processes.iter().copied() {
            let row = harness.recount(process);
            assert_eq!(
                row.tally.settled(),
                row.tally.total,
                "nothing of process {process} is left"
            );
            let state = ProcessState::Cancelled;
            let (settled, _) = harness.change(ProcessChange::Settle {
                process,
                state,
                reason: None,
                at,
            });
            assert!(settled.state.is_settled());
        }
    }

    /// Settles what is still to be claimed of a process; says whether there was something.
    fn finish(&self, harness: &Harness, process: ProcessId) -> bool {
        let left = harness.claim(process, 100);
        assert!(
            left.iter().all(|claimed| claimed.cancelling),
            "only what was being cancelled is left"
        );
        harness.settle(&left, ExecutionState::Cancelled);
        !left.is_empty()
    }

    /// Tallies are recounts, what is claimed runs and nothing else does, and a lane key is never shared.
    fn check(&self, harness: &Harness, so_far: &[Act]) {
        let mut running = BTreeMap::new();
        for process in &self.processes {
            harness.recount(*process);
            for (owned, state, _) in harness.executions(*process) {
                if state != ExecutionState::Running {
                    continue;
                }
                assert!(
                    self.claimed.iter().any(|one| one.owned == owned),
                    "{owned:?} runs unclaimed after {so_far:?}"
                );
                if let Some(lane) = self.lane_of.get(&owned.execution) {
                    let other = running.insert(*lane, owned.execution);
                    assert_eq!(other, None, "two of lane key {lane} run after {so_far:?}");
                }
            }
        }
        for one in &self.claimed {
            assert_eq!(
                harness.state_of(one.owned.execution),
                ExecutionState::Running,
                "a claim stands after {so_far:?}"
            );
        }
    }
}
