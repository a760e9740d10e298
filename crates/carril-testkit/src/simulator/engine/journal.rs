//! The journal: gathers what is handed in, commits it as one group, acknowledges all of it together; and where commits fail.

use super::super::world::{Event, World};
use super::{Engine, Message, Notice, Writer, Writing};
use carril_model::contract::{Change, Claim, Group, ProcessChange, Record, Verdict};
use carril_model::id::ProcessId;
use std::collections::BTreeMap;

/// How long a soft change waits for company, in microseconds.
const SOFT_WAIT: i64 = 100_000;
/// Executions woken in one commit; few, so that some are left for the next.
const WAKES_MAX: u32 = 2;

impl World {
    /// Hands something to the journal.
    pub(in super::super) fn hand_in(&mut self, message: Message) {
        let Some(engine) = &mut self.engine else {
            return;
        };
        engine.queue.push_back(message);
        self.kick();
    }

    pub(in super::super) fn hand_in_change(&mut self, change: ProcessChange) {
        self.hand_in(Message::Process(change));
    }

    fn kick(&mut self) {
        let Some(engine) = &mut self.engine else {
            return;
        };
        if !engine.kicked && engine.writing.is_none() {
            engine.kicked = true;
            let epoch = engine.epoch;
            let wait = self.random.between(20, 400);
            self.after(wait, Event::Journal { epoch });
        }
    }

    /// A lane left a soft change: it goes alone when nothing else comes.
    pub(in super::super) fn soft_left(&mut self) {
        let Some(engine) = &mut self.engine else {
            return;
        };
        if !engine.soft_due {
            engine.soft_due = true;
            let epoch = engine.epoch;
            self.after(SOFT_WAIT, Event::Soft { epoch });
        }
    }

    pub(in super::super) fn soft_is_due(&mut self) {
        if let Some(engine) = &mut self.engine {
            engine.soft_due = false;
            self.kick();
        }
    }

    /// Gathers a group, or takes the refused one again, and commits it.
    pub(in super::super) fn commit(&mut self) {
        let now = self.clock();
        let Some(engine) = &mut self.engine else {
            return;
        };
        engine.kicked = false;
        if engine.writing.is_none() {
            let writing = gather(engine, now);
            engine.writing = Some(writing);
        }
        let (node, epoch) = (engine.node, engine.epoch);
        let group = match &engine.writing {
            Some(writing) => writing.group.clone(),
            None => return,
        };
        let empty = group.records.is_empty()
            && group.processes.is_empty()
            && group.breakers.is_empty()
            && group.claims.is_empty()
            && group.wakes == 0;
        if !empty && self.fails(&group, epoch) {
            return;
        }
        let done = self.store.commit(node, &group);
        self.note("commit", [group.records.len() as i64, 0, 0, 0]);
        self.check_commit(&group, done.as_ref().ok());
        let Ok(report) = done else {
            // Another engine has entered: this one is no longer wanted.
            self.crash();
            return;
        };
        let latency = if self.random.permille(self.rates.slow) {
            self.random.between(50_000, 2_000_000)
        } else {
            self.random.between(50, 2_000)
        };
        if self
            .engine
            .as_ref()
            .is_some_and(|engine| engine.epoch == epoch)
            && let Some(writing) = self.engine.as_mut().and_then(|one| one.writing.as_mut())
        {
            writing.report = Some(report);
            self.after(latency, Event::Acked { epoch });
        }
    }

    /// Whether this commit goes wrong, which is then done.
    fn fails(&mut self, group: &Group, epoch: u64) -> bool {
        let rates = self.rates;
        if self.random.permille(rates.refused) {
            self.note("commit refused", [0; 4]);
            self.store.refuse(group);
            let wait = self.random.between(1_000, 20_000);
            self.after(wait, Event::Journal { epoch });
            return true;
        }
        let node = self.engine.as_ref().map(|engine| engine.node);
        let Some(node) = node else { return true };
        if self.random.permille(rates.done_but_error) {
            self.note("commit done, error", [0; 4]);
            let done = self.store.commit(node, group);
            self.check_commit(group, done.as_ref().ok());
            self.crash();
            return true;
        }
        if self.random.permille(rates.error_then_done) {
            self.note("commit error, late", [0; 4]);
            let late = self.random.between(100, 100_000);
            self.after(late, Event::LateCommit(Box::new((node, group.clone()))));
            self.crash();
            return true;
        }
        false
    }

    /// A commit that was given up as failed comes after all.
    pub(in super::super) fn late_commit(&mut self, node: carril_model::id::NodeId, group: &Group) {
        let entered = self
            .store
            .tables
            .nodes
            .get(&node)
            .is_some_and(|node| node.left);
        let done = self.store.commit(node, group);
        self.note("late commit", [i64::from(done.is_ok()), 0, 0, 0]);
        if entered && done.is_ok() {
            self.breaks(
                "a former engine writes nothing",
                format!("a commit of node {node} was taken after another had entered"),
            );
        }
        self.check_commit(group, done.as_ref().ok());
    }

    /// The group is durable, and whoever waits for it hears so.
    pub(in super::super) fn acked(&mut self) {
        let Some(engine) = &mut self.engine else {
            return;
        };
        let Some(mut writing) = engine.writing.take() else {
            return;
        };
        let Some(mut report) = writing.report.take() else {
            return;
        };
        self.remember(&writing.group, &report);
        self.alarm_of(&writing.group, &report);
        let mut unasked = Vec::new();
        for claimed in std::mem::take(&mut report.claimed) {
            let askers = writing.askers.get_mut(&claimed.owned.process);
            match askers.and_then(Vec::pop) {
                Some(asker) => writing.writers[asker].2 = Some(claimed),
                None => unasked.push(claimed),
            }
        }
        for process in &writing.looks {
            report
                .processes
                .extend(self.store.tables.process_row(*process));
        }
        let notice = Notice::Committed {
            processes: report.processes,
            woken: report.woken,
            claimed: unasked,
            asked: writing.asked,
            looked: writing.looks,
        };
        for (writer, records, claimed) in writing.writers {
            let lost = report.verdicts[records].contains(&Verdict::Lost);
            match writer {
                Writer::Lane(lane) => self.lane_acked(lane, lost, claimed),
                Writer::Rollback => self.rollback_acked(),
            }
        }
        self.tell(notice);
        if self
            .engine
            .as_ref()
            .is_some_and(|engine| !engine.queue.is_empty())
        {
            self.kick();
        }
        self.poll_rollback();
        self.poll_drain();
    }
}

fn gather(engine: &mut Engine, now: carril_model::time::Timestamp) -> Writing {
    let mut group = Group {
        at: now,
        ..Group::default()
    };
    gather_soft(engine, &mut group);
    let mut writers = Vec::new();
    let mut claims: BTreeMap<ProcessId, (u32, Vec<usize>)> = BTreeMap::new();
    let (mut asked, mut looks) = (Vec::new(), Vec::new());
    for message in std::mem::take(&mut engine.queue) {
        match message {
            Message::Write {
                who,
                owned,
                changes,
                breakers,
                then,
                claim,
            } => {
                group.breakers.extend(breakers);
                group.processes.extend(then);
                let from = group.records.len();
                let records = changes.into_iter().map(|change| Record { owned, change });
                group.records.extend(records);
                if let Some(process) = claim {
                    let (count, askers) = claims.entry(process).or_default();
                    *count += 1;
                    askers.push(writers.len());
                }
                writers.push((who, from..group.records.len(), None));
            }
            Message::Process(change) => group.processes.push(change),
            Message::Breaker(row) => group.breakers.push(row),
            Message::Look(process) => looks.push(process),
            Message::Wake => group.wakes = WAKES_MAX,
            Message::Claim(claim) => {
                claims.entry(claim.process).or_default().0 += claim.max;
                asked.push(claim.process);
            }
        }
    }
    let claim = |(process, (max, _)): (&ProcessId, &(u32, Vec<usize>))| Claim {
        process: *process,
        max: *max,
    };
    group.breakers.sort_by_key(|breaker| breaker.change);
    group.claims = claims.iter().map(claim).collect();
    let askers = claims
        .into_iter()
        .map(|(process, (_, askers))| (process, askers));
    Writing {
        group,
        writers,
        askers: askers.collect(),
        asked,
        looks,
        report: None,
    }
}

/// Takes the soft changes that have waited long enough.
fn gather_soft(engine: &mut Engine, group: &mut Group) {
    for lane in engine.lanes.values_mut() {
        let soft = &mut lane.soft;
        if soft
            .since
            .is_some_and(|since| group.at.micros_since(since) >= SOFT_WAIT)
        {
            soft.since = None;
            let account = soft.account.take().map(|account| Change::Cause { account });
            let changes = std::mem::take(&mut soft.changes).into_iter().chain(account);
            group.breakers.append(&mut soft.breakers);
            let owned = lane.owned;
            group
                .records
                .extend(changes.map(|change| Record { owned, change }));
        }
    }
}
