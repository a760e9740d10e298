//! The subject: a real store that is asked what the reference was asked, and compared with it. Its ids are translated into
//! the reference's; everything else must be equal as it is.

use super::super::store::Row;
use super::{Answer, Difference, Op, Reference};
use crate::store::Harness;
use carril_model::contract::{
    AttemptRow, Claim, Claimed, Entered, ExecutionRow, Fault, Group, Launched, Owned,
    ProcessChange, ProcessRow, Record, Report, Rerun, Selection, Sent,
};
use carril_model::guard::VersionRecord;
use carril_model::id::{ExecutionId, NodeId, ProcessId};
use carril_model::state::ProcessState;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

/// Questions between two looks at everything; in between, only those whom a question names are looked at.
const ALL_EVERY: u32 = 8;

type Outcome<T> = Result<T, Box<Difference>>;

/// A store under test and the ids that it gave.
pub struct Subject {
    harness: Harness,
    processes: BTreeMap<ProcessId, ProcessId>,
    executions: BTreeMap<ExecutionId, ExecutionId>,
    op: String,
    asked: u32,
}

impl Subject {
    /// Of a store that is new and that one engine has entered.
    #[must_use]
    pub fn new(mut harness: Harness, reference: &Reference) -> Self {
        harness.be_at(reference.now);
        Self {
            harness,
            processes: BTreeMap::new(),
            executions: BTreeMap::new(),
            op: "the beginning".to_owned(),
            asked: 0,
        }
    }

    /// Asks the store what the reference was asked, and compares the answer, every process and every execution's state; what
    /// else is known of the executions that were asked about, too.
    ///
    /// # Errors
    /// The first difference.
    pub fn follow(&mut self, op: &Op, answer: &Answer, reference: &Reference) -> Outcome<()> {
        self.harness.be_at(reference.now);
        self.op = format!("{op:?}");
        let real = self.ask(op, answer, reference)?;
        self.equal("the answer", &real, &sorted(answer.clone()))?;
        self.compare_processes(reference)?;
        self.asked += 1;
        if self.asked.is_multiple_of(ALL_EVERY) {
            return self.compare_all(reference);
        }
        for execution in named(op) {
            self.compare_execution(execution, reference)?;
        }
        Ok(())
    }

    /// Compares everything that both hold.
    ///
    /// # Errors
    /// The first difference.
    pub fn compare_all(&mut self, reference: &Reference) -> Outcome<()> {
        self.compare_processes(reference)?;
        for process in reference.open_processes() {
            let rows = reference.store.tables.executions(process);
            let ids: Vec<ExecutionId> = rows.map(|row| row.owned.execution).collect();
            for id in ids {
                self.compare_execution(id, reference)?;
            }
        }
        self.compare_rest(reference)
    }

    fn ask(&mut self, op: &Op, answer: &Answer, reference: &Reference) -> Outcome<Answer> {
        let (now, harness) = (self.harness.now(), &self.harness);
        let store = harness.store();
        let faulted = match op {
            Op::Launch(launch, first, open) => {
                let launched = harness.wait(store.launch(launch, first, *open));
                return self.launched(launched, answer, reference);
            }
            Op::Extend(process, more, open) => {
                let claimed =
                    harness.wait(store.extend(self.real_process(*process), more, *open, now));
                self.learn(*process, reference)?;
                claimed.map(|claimed| Answer::Claimed(self.claims(claimed)))
            }
            Op::Abandon(process) => {
                let done = harness.wait(store.abandon(self.real_process(*process)));
                done.map(|()| Answer::Done)
            }
            Op::Commit(group) => {
                let report = harness.wait(store.commit(Arc::new(self.real_group(group))));
                report.map(|report| Answer::Report(self.report(report)))
            }
            Op::Cancel(executions) => {
                let executions = self.real_executions(executions);
                let stopped = harness.wait(store.cancel(&executions, "drawn", now));
                stopped.map(|(running, rows)| {
                    let rows = rows.into_iter().map(|row| self.row(row)).collect();
                    Answer::Stopped(self.all_owned(running), rows)
                })
            }
            Op::BeginRollback(executions) => {
                let executions = self.real_executions(executions);
                let begun = harness.wait(store.begin_rollback(&executions, now));
                begun.map(|begun| Answer::Begun(self.all_owned(begun)))
            }
            Op::Signal(executions, signal) => {
                let executions = self.real_executions(executions);
                let sent = harness.wait(store.signal(&executions, signal));
                sent.map(|sent| Answer::Sent(self.sent(sent)))
            }
            Op::Rerun(process, reruns) => {
                let real: Vec<Rerun> = reruns
                    .iter()
                    .map(|rerun| Rerun {
                        execution: self.real_execution(rerun.execution),
                        ..rerun.clone()
                    })
                    .collect();
                let row = harness.wait(store.rerun(self.real_process(*process), &real, now));
                row.map(|row| Answer::Row(Box::new(self.row(row))))
            }
            Op::Forget(process) => self.forget(*process),
            Op::Crash => Ok(self.enter(false, answer)),
            Op::Leave => {
                let left = harness.wait(store.leave(now));
                left.map(|()| self.enter(true, answer))
            }
        };
        match faulted {
            Ok(real) => Ok(sorted(real)),
            Err(Fault::Conflict(_)) => Ok(Answer::Conflict),
            Err(other) => Err(self.differs(&format!("the store answered {other:?}"))),
        }
    }

    fn launched(
        &mut self,
        launched: Result<Launched, Fault>,
        answer: &Answer,
        reference: &Reference,
    ) -> Outcome<Answer> {
        let known = |id: ProcessId| self.model_process(id);
        match launched {
            Ok(Launched::New {
                process: real,
                claimed,
            }) => {
                let Answer::Launched(Launched::New { process, .. }) = answer else {
                    return Err(self.differs(&format!(
                        "process {real} was made, and the model answers {answer:?}"
                    )));
                };
                self.processes.insert(*process, real);
                self.learn(*process, reference)?;
                let (process, claimed) = (*process, self.claims(claimed));
                Ok(sorted(Answer::Launched(Launched::New { process, claimed })))
            }
            Ok(Launched::Repeated(real)) => Ok(Answer::Launched(Launched::Repeated(known(real)))),
            Ok(Launched::Skipped(real)) => Ok(Answer::Launched(Launched::Skipped(known(real)))),
            Ok(Launched::Behind(real)) => Ok(Answer::Launched(Launched::Behind(known(real)))),
            Err(Fault::Conflict(_)) => Ok(Answer::Conflict),
            Err(other) => Err(self.differs(&format!("the store answered {other:?}"))),
        }
    }

    /// Learns which ids the store gave to the executions of a process; of a launch that is not open yet nobody can.
    fn learn(&mut self, process: ProcessId, reference: &Reference) -> Outcome<()> {
        let Some(known) = reference.store.tables.processes.get(&process) else {
            return Ok(());
        };
        if known.row.state == ProcessState::Launching {
            return Ok(());
        }
        let real = self.harness.executions(self.real_process(process));
        let mut of_model: Vec<&Row> = reference.store.tables.executions(process).collect();
        of_model.sort_by_key(|row| (!row.owned.per_process, row.owned.execution));
        let mut of_real: Vec<Owned> = real.into_iter().map(|(owned, _, _)| owned).collect();
        of_real.sort_by_key(|owned| (!owned.per_process, owned.execution));
        self.equal(
            "how many executions there are",
            &of_real.len(),
            &of_model.len(),
        )?;
        for (row, owned) in of_model.iter().zip(of_real) {
            self.executions.insert(row.owned.execution, owned.execution);
        }
        Ok(())
    }

    fn enter(&mut self, left: bool, answer: &Answer) -> Answer {
        let entered = if left {
            self.harness.enter()
        } else {
            self.harness.crash()
        };
        let node = match answer {
            Answer::Entered(entered) => entered.node,
            _ => NodeId(0),
        };
        let unsettled = entered
            .unsettled
            .into_iter()
            .map(|row| self.row(row))
            .collect();
        Answer::Entered(Entered {
            node,
            unsettled,
            rolling_back: self.all_owned(entered.rolling_back),
            ..entered
        })
    }

    fn forget(&self, process: ProcessId) -> Result<Answer, Fault> {
        let process = self.real_process(process);
        let store = self.harness.store();
        while !self.harness.wait(store.forget(process, 2))?.whole {}
        Ok(Answer::Done)
    }

    /// Breakers, and what is known of the version that everybody runs.
    fn compare_rest(&self, reference: &Reference) -> Outcome<()> {
        let store = self.harness.store();
        let kept = self.harness.wait(store.breakers());
        let wanted = reference.store.tables.breakers.values().cloned().collect();
        self.equal("the breakers", &kept, &Ok(wanted))?;
        let (pipeline, version) = reference.pipeline();
        let told = self.harness.wait(store.versions(pipeline, version, 0));
        let counts = |records: Vec<VersionRecord>| {
            let first = records.first();
            first.map_or((0, 0, 0), |one| (one.settled, one.failed, one.succeeded))
        };
        let wanted = counts(reference.store.version(pipeline, version));
        self.equal("what a version has come to", &told.map(counts), &Ok(wanted))
    }

    fn compare_processes(&self, reference: &Reference) -> Outcome<()> {
        for process in reference.open_processes() {
            let wanted = reference.store.tables.process_row(process);
            let wanted = wanted.expect("an open process has a row");
            let real = self.row(self.harness.process(self.real_process(process)));
            self.equal("a process", &real, &plain(wanted))?;
            let selection = Selection::Process(self.real_process(process));
            let mut real = self.harness.selected(&selection);
            for (owned, _, _) in &mut real {
                *owned = self.owned(*owned);
            }
            real.sort_by_key(|(owned, _, _)| owned.execution);
            let rows = reference.store.tables.executions(process);
            let mut wanted: Vec<_> = rows
                .map(|row| (row.owned, row.state, row.segment))
                .collect();
            wanted.sort_by_key(|(owned, _, _)| owned.execution);
            self.equal("the executions of a process", &real, &wanted)?;
        }
        Ok(())
    }

    fn compare_execution(&self, execution: ExecutionId, reference: &Reference) -> Outcome<()> {
        let Some(row) = reference.store.tables.rows.get(&execution) else {
            return Ok(());
        };
        let Some(real) = self.executions.get(&execution).copied() else {
            return Ok(());
        };
        let steps = self.harness.wait(self.harness.store().steps(real));
        let steps =
            steps.map_err(|fault| self.differs(&format!("steps of {execution}: {fault}")))?;
        self.equal("the latest attempts", &steps, &row.latest_steps())?;
        let Some(history) = self.harness.history() else {
            return Ok(());
        };
        let told = self.harness.wait(history.execution(real));
        let attempts = self.harness.wait(history.attempts(real, None));
        match (told, attempts) {
            (Ok(Some(told)), Ok(attempts)) => self.compare_history(row, &told, &attempts),
            other => Err(self.differs(&format!("history of {execution}: {other:?}"))),
        }
    }

    /// What people are shown must be what the model holds.
    fn compare_history(
        &self,
        row: &Row,
        told: &ExecutionRow,
        attempts: &[AttemptRow],
    ) -> Outcome<()> {
        let real = (
            (
                told.state,
                told.run,
                told.segment,
                told.rolling_back,
                told.cancelling,
            ),
            (&told.account, told.ended_at, &told.entity, &told.attributes),
        );
        let wanted = (
            (
                row.state,
                row.owned.run,
                row.segment,
                row.rolling_back,
                row.cancelling,
            ),
            (
                &row.account,
                row.ended_at,
                &row.entity_key,
                &*row.attributes,
            ),
        );
        self.equal("what history shows of an execution", &real, &wanted)?;
        let real: Vec<_> = attempts
            .iter()
            .map(|row| {
                (
                    (row.run, row.attempt, row.state, row.fallback),
                    row.retry_at,
                    row.carried_from.is_some(),
                    &row.output,
                )
            })
            .collect();
        let wanted: Vec<_> = row
            .steps
            .iter()
            .map(|((run, _, _), kept)| {
                (
                    (*run, kept.row.attempt, kept.row.state, kept.row.fallback),
                    kept.row.retry_at,
                    kept.carried,
                    &kept.row.output,
                )
            })
            .collect();
        self.equal("the attempts that history shows", &real, &wanted)
    }

    fn equal<T: PartialEq + Debug>(&self, what: &str, real: &T, wanted: &T) -> Outcome<()> {
        if real == wanted {
            return Ok(());
        }
        Err(self.differs(&format!(
            "{what} differs\n store {real:?}\n model {wanted:?}"
        )))
    }

    fn differs(&self, text: &str) -> Box<Difference> {
        Box::new(Difference {
            op: self.op.clone(),
            text: text.to_owned(),
        })
    }
}

/// Ids, there and back.
impl Subject {
    fn real_process(&self, id: ProcessId) -> ProcessId {
        self.processes
            .get(&id)
            .copied()
            .unwrap_or(ProcessId(i64::MAX))
    }

    fn real_execution(&self, id: ExecutionId) -> ExecutionId {
        self.executions
            .get(&id)
            .copied()
            .unwrap_or(ExecutionId(i64::MAX))
    }

    fn real_executions(&self, ids: &[ExecutionId]) -> Vec<ExecutionId> {
        ids.iter().map(|id| self.real_execution(*id)).collect()
    }

    fn model_process(&self, real: ProcessId) -> ProcessId {
        let found = self.processes.iter().find(|(_, other)| **other == real);
        found.map_or(ProcessId(-real.0), |(id, _)| *id)
    }

    fn model_execution(&self, real: ExecutionId) -> ExecutionId {
        let found = self.executions.iter().find(|(_, other)| **other == real);
        found.map_or(ExecutionId(-real.0), |(id, _)| *id)
    }

    fn real_owned(&self, owned: Owned) -> Owned {
        Owned {
            process: self.real_process(owned.process),
            execution: self.real_execution(owned.execution),
            ..owned
        }
    }

    fn owned(&self, real: Owned) -> Owned {
        Owned {
            process: self.model_process(real.process),
            execution: self.model_execution(real.execution),
            ..real
        }
    }

    fn all_owned(&self, real: Vec<Owned>) -> Vec<Owned> {
        real.into_iter().map(|owned| self.owned(owned)).collect()
    }

    fn claims(&self, real: Vec<Claimed>) -> Vec<Claimed> {
        let claims = real.into_iter().map(|claimed| Claimed {
            owned: self.owned(claimed.owned),
            ..claimed
        });
        claims.collect()
    }

    fn row(&self, real: ProcessRow) -> ProcessRow {
        plain(ProcessRow {
            id: self.model_process(real.id),
            after: real.after.map(|after| self.model_process(after)),
            own: real.own.map(|own| self.model_execution(own)),
            ..real
        })
    }

    fn sent(&self, real: Sent) -> Sent {
        let deliveries = real.deliveries.into_iter();
        let deliveries = deliveries.map(|(id, delivery)| (self.model_execution(id), delivery));
        let woken = real.woken.iter().map(|id| self.model_process(*id));
        Sent {
            deliveries: deliveries.collect(),
            woken: woken.collect(),
        }
    }

    fn report(&self, real: Report) -> Report {
        Report {
            // The model has one engine, which need not be told.
            decided: Vec::new(),
            processes: real
                .processes
                .into_iter()
                .map(|row| self.row(row))
                .collect(),
            claimed: self.claims(real.claimed),
            woken: real
                .woken
                .iter()
                .map(|id| self.model_process(*id))
                .collect(),
            ..real
        }
    }

    fn real_group(&self, group: &Group) -> Group {
        let records = group.records.iter().map(|record| Record {
            owned: self.real_owned(record.owned),
            change: record.change.clone(),
        });
        let claims = group.claims.iter().map(|claim| Claim {
            process: self.real_process(claim.process),
            max: claim.max,
        });
        let processes = group
            .processes
            .iter()
            .map(|change| self.real_change(change));
        Group {
            records: records.collect(),
            processes: processes.collect(),
            breakers: group.breakers.clone(),
            wakes: group.wakes,
            claims: claims.collect(),
            at: group.at,
        }
    }

    fn real_change(&self, change: &ProcessChange) -> ProcessChange {
        let mut change = change.clone();
        match &mut change {
            ProcessChange::Advance { process, .. }
            | ProcessChange::Settle { process, .. }
            | ProcessChange::Pause { process, .. }
            | ProcessChange::Resume { process, .. }
            | ProcessChange::Cancel { process, .. }
            | ProcessChange::Lanes { process, .. } => *process = self.real_process(*process),
        }
        change
    }
}

/// A process without what the model does not keep.
fn plain(row: ProcessRow) -> ProcessRow {
    // The ids of a launch that is not open yet are known to nobody.
    let is_launching = row.state == ProcessState::Launching;
    ProcessRow {
        own: row.own.filter(|_| !is_launching),
        targets: BTreeMap::new(),
        folder: None,
        launched_by: String::new(),
        ..row
    }
}

/// An answer in an order of its own, where the contract promises none.
fn sorted(answer: Answer) -> Answer {
    match answer {
        Answer::Report(mut report) => {
            report.processes = report.processes.into_iter().map(plain).collect();
            report.processes.sort_by_key(|row| row.id);
            report.woken.sort_unstable();
            report.woken.dedup();
            Answer::Report(report)
        }
        Answer::Stopped(mut running, rows) => {
            running.sort_by_key(|owned| owned.execution);
            let mut rows: Vec<ProcessRow> = rows.into_iter().map(plain).collect();
            rows.sort_by_key(|row| row.id);
            Answer::Stopped(running, rows)
        }
        Answer::Sent(mut sent) => {
            sent.woken.sort_unstable();
            sent.woken.dedup();
            Answer::Sent(sent)
        }
        Answer::Begun(mut begun) => {
            begun.sort_by_key(|owned| owned.execution);
            Answer::Begun(begun)
        }
        Answer::Entered(mut entered) => {
            entered.unsettled = entered.unsettled.into_iter().map(plain).collect();
            entered.unsettled.sort_by_key(|row| row.id);
            entered.rolling_back.sort_by_key(|owned| owned.execution);
            Answer::Entered(entered)
        }
        Answer::Row(row) => Answer::Row(Box::new(plain(*row))),
        other => other,
    }
}

/// The executions that a question is about.
fn named(op: &Op) -> Vec<ExecutionId> {
    match op {
        Op::Commit(group) => {
            let records = group.records.iter();
            records.map(|record| record.owned.execution).collect()
        }
        Op::Cancel(executions) | Op::BeginRollback(executions) | Op::Signal(executions, _) => {
            executions.clone()
        }
        Op::Rerun(_, reruns) => reruns.iter().map(|rerun| rerun.execution).collect(),
        _ => Vec::new(),
    }
}
