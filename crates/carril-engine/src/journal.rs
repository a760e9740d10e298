//! The single ordered stream of state changes into the store, committed in groups.
//!
//! Lanes hand in what must be durable and wait; while one commit is under way the next group gathers; all of a group are
//! acknowledged together. A lone write is never delayed to fill a group. *Soft* changes (an attempt began, a lane waits) ride
//! with the next commit of their lane and go alone after 100 ms, so that others can read what is going on.
//!
//! When the store fails for good, every waiting writer hears of it, nothing more is written, and the engine stops: what is
//! durable is the truth, and the next engine goes on from there. An engine that is to outlast that goes on itself, from what is
//! durable and nothing else: see [`away`].

mod away;

pub(crate) use away::{ENTER_MIN, Outlasting};

use crate::coordinator::Notice;
use crate::limits::Lent;
use crate::waker::Alarm;
use away::Lease;
use carril_model::account::{CauseKind, TimeAccount};
use carril_model::breaker::BreakerRow;
use carril_model::contract::{
    Change, Claim, Claimed, Clock, Fault, Group, Owned, ProcessChange, Record, Report, Store,
    Until, Verdict,
};
use carril_model::id::{ExecutionId, ProcessId};
use carril_model::time::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Messages that may wait for the writer; with more, lanes wait to hand theirs in (P8).
const QUEUE_MAX: usize = 4_096;
/// Messages of one group: bounds a transaction's length, and with it how long the first waits for the last.
const GROUP_MAX: usize = 1_024;
/// How often the writer lets others run before it commits, while that brings more; bounds how long the first may wait.
const GATHER_ROUNDS: u32 = 4;
/// How long a soft change may wait for company.
const SOFT_WAIT: Duration = Duration::from_millis(100);
/// How often soft changes are looked through while groups follow each other: there may be thousands of lanes, and
/// thousands of groups a second.
const SOFT_LOOK: Duration = Duration::from_millis(10);
/// How often an idle engine says that it is alive.
const BEAT: Duration = Duration::from_secs(1);
/// How often a busy store is tried again, after its own time-out, before the engine gives up. One that gives leases is tried until
/// this engine's has nearly run out.
const BUSY_TRIES: u32 = 12;

/// What became of a write.
#[derive(Debug, Default)]
pub(crate) struct Ack {
    /// The execution belongs to somebody else now.
    pub(crate) lost: bool,
    /// What the claim that rode along got.
    pub(crate) claimed: Option<Claimed>,
}

enum Message {
    Write {
        owned: Owned,
        changes: Vec<Change>,
        then: Option<ProcessChange>,
        breakers: Vec<BreakerRow>,
        claim: Option<ProcessId>,
        ack: oneshot::Sender<Result<Ack, Fault>>,
    },
    Breaker(BreakerRow, oneshot::Sender<Result<Ack, Fault>>),
    Process(ProcessChange),
    Claim(Claim),
    Look(ProcessId),
    Wake {
        max: u32,
        ack: oneshot::Sender<Result<Due, Fault>>,
    },
}

/// What waking those that are due came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due {
    /// How many were.
    pub(crate) woken: u32,
    /// When the next one is.
    pub(crate) next: Option<Timestamp>,
}

/// Hands changes to the journal. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Handle {
    queue: mpsc::Sender<Message>,
    /// Changes of processes, and claims. Without a bound of its own because the coordinator, which empties the journal's
    /// notices, must never wait for the journal; a process has at most one change and one claim under way.
    direct: mpsc::UnboundedSender<Message>,
    soft: Arc<SoftTable>,
    alarm: Arc<Alarm>,
}

impl Handle {
    /// Wakes at most `max` parked executions that are due; the coordinator hears of those that may be claimed.
    ///
    /// # Cancel safety
    /// As [`Handle::write`].
    pub(crate) async fn wake(&self, max: u32) -> Result<Due, Fault> {
        let (ack, answer) = oneshot::channel();
        self.direct
            .send(Message::Wake { max, ack })
            .map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// When the earliest of those is due who were parked since somebody asked.
    pub(crate) fn alarm(&self) -> &Arc<Alarm> {
        &self.alarm
    }

    /// Makes changes of one execution durable, all or none, and with them the breakers that they moved; with `claim`, takes one
    /// more of that process in the same commit.
    ///
    /// # Cancel safety
    /// Dropping the future after it was polled leaves the write in the queue.
    pub(crate) async fn write(
        &self,
        owned: Owned,
        changes: Vec<Change>,
        breakers: Vec<BreakerRow>,
        claim: Option<ProcessId>,
    ) -> Result<Ack, Fault> {
        let (ack, answer) = oneshot::channel();
        let message = Message::Write {
            owned,
            changes,
            then: None,
            breakers,
            claim,
            ack,
        };
        self.queue.send(message).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Makes a change of one execution durable, and in the same commit what follows from it for its process: nobody can die
    /// in between.
    ///
    /// # Cancel safety
    /// As [`Handle::write`].
    pub(crate) async fn write_then(
        &self,
        owned: Owned,
        change: Change,
        then: Option<ProcessChange>,
    ) -> Result<Ack, Fault> {
        let (ack, answer) = oneshot::channel();
        let message = Message::Write {
            owned,
            changes: vec![change],
            then,
            breakers: Vec::new(),
            claim: None,
            ack,
        };
        self.queue.send(message).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Makes a breaker durable that a person moved.
    ///
    /// # Cancel safety
    /// As [`Handle::write`].
    pub(crate) async fn breaker(&self, row: BreakerRow) -> Result<(), Fault> {
        let (ack, answer) = oneshot::channel();
        let message = Message::Breaker(row, ack);
        self.queue.send(message).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?.map(drop)
    }

    /// Asks for a change of a process; what it did is told to the coordinator.
    pub(crate) fn process(&self, change: ProcessChange) {
        // A stopped journal has told everybody already.
        let _ = self.direct.send(Message::Process(change));
    }

    /// Asks for executions; what was claimed is told to the coordinator.
    pub(crate) fn claim(&self, claim: Claim) {
        let _ = self.direct.send(Message::Claim(claim));
    }

    /// Asks how a process is, between two commits: rows that others read in the store may be older, when the coordinator
    /// hears of them, than what it knows.
    pub(crate) fn look(&self, process: ProcessId) {
        let _ = self.direct.send(Message::Look(process));
    }

    /// Opens a lane's place for soft changes; it closes when the returned value is dropped.
    pub(crate) fn soft_place(&self, owned: Owned) -> SoftPlace {
        let entry = Arc::new(SoftEntry {
            owned,
            soft: Mutex::default(),
        });
        self.soft.lock().insert(owned.execution, Arc::clone(&entry));
        SoftPlace {
            entry,
            table: Arc::clone(&self.soft),
        }
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn stopped() -> Fault {
    Fault::Unavailable("the journal has stopped".to_owned())
}

#[derive(Default)]
struct SoftTable(Mutex<HashMap<ExecutionId, Arc<SoftEntry>>>);

impl SoftTable {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ExecutionId, Arc<SoftEntry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct SoftEntry {
    owned: Owned,
    soft: Mutex<Soft>,
}

#[derive(Default)]
struct Soft {
    since: Option<Timestamp>,
    changes: Vec<Change>,
    breakers: Vec<BreakerRow>,
    account: Option<TimeAccount>,
}

impl Soft {
    fn take(&mut self) -> Vec<Change> {
        self.since = None;
        let mut changes = std::mem::take(&mut self.changes);
        changes.extend(self.account.take().map(|account| Change::Cause { account }));
        changes
    }
}

/// Where one lane leaves changes that need no commit of their own.
pub(crate) struct SoftPlace {
    entry: Arc<SoftEntry>,
    table: Arc<SoftTable>,
}

impl SoftPlace {
    /// Leaves changes to ride along.
    pub(crate) fn leave(&self, changes: Vec<Change>, now: Timestamp) {
        let mut soft = self.lock();
        soft.since.get_or_insert(now);
        soft.changes.extend(changes);
    }

    /// Leaves breakers that this lane moved.
    pub(crate) fn leave_breakers(&self, rows: Vec<BreakerRow>, now: Timestamp) {
        if rows.is_empty() {
            return;
        }
        let mut soft = self.lock();
        soft.since.get_or_insert(now);
        soft.breakers.extend(rows);
    }

    /// Takes the breakers that have not gone alone, to go with a write.
    pub(crate) fn take_breakers(&self) -> Vec<BreakerRow> {
        std::mem::take(&mut self.lock().breakers)
    }

    /// Leaves the account with its new cause; only the latest counts.
    pub(crate) fn leave_cause(&self, account: &TimeAccount) {
        let mut soft = self.lock();
        soft.since.get_or_insert(account.since());
        soft.account = Some(account.clone());
    }

    /// Joins what has not gone alone to the changes of a write. Left out is what these say anyway: the cause, and the
    /// beginning of an attempt whose end is among them, which is nearly every one.
    pub(crate) fn join(&self, changes: Vec<Change>) -> Vec<Change> {
        let mut soft = self.lock();
        soft.since = None;
        soft.account = None;
        soft.changes.retain(|left| !is_told(left, &changes));
        if soft.changes.is_empty() {
            return changes;
        }
        let mut joined = std::mem::take(&mut soft.changes);
        joined.extend(changes);
        joined
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Soft> {
        self.entry
            .soft
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether this is the beginning of an attempt that one of these changes ends.
fn is_told(left: &Change, by: &[Change]) -> bool {
    let Change::StepBegan { step, attempt, .. } = left else {
        return false;
    };
    let ends = |change: &Change| matches!(change, Change::StepEnded(end) if end.step == *step && end.attempt == *attempt);
    by.iter().any(ends)
}

impl Drop for SoftPlace {
    fn drop(&mut self) {
        let mut table = self.table.lock();
        let execution = self.entry.owned.execution;
        // Its next run may have a lane, and with it the place, while this lane still cleans up.
        if table
            .get(&execution)
            .is_some_and(|entry| Arc::ptr_eq(entry, &self.entry))
        {
            table.remove(&execution);
        }
    }
}

/// The writer: the only caller of [`Store::commit`].
pub(crate) struct Writer {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    queue: mpsc::Receiver<Message>,
    direct: mpsc::UnboundedReceiver<Message>,
    soft: Arc<SoftTable>,
    /// When the soft changes were last looked through.
    looked: Timestamp,
    notices: mpsc::Sender<Notice>,
    alarm: Arc<Alarm>,
    /// Rung when nobody will write any more.
    close: CancellationToken,
    /// What the store allows without a sign of life, where it looks at that.
    lease: Option<Lease>,
    /// How the engine outlasts its store's being away, if it does.
    outlasting: Option<Outlasting>,
    /// What it has of limits that engines share, which ends with its lease.
    lent: Option<Arc<Lent>>,
}

/// Who waits for what in a group under way.
#[derive(Default)]
struct Waiting {
    writers: Vec<Writing>,
    /// Which writers asked for executions, per process, and how many were asked for in all.
    claims: BTreeMap<ProcessId, (u32, Vec<usize>)>,
    /// Processes for which the coordinator asked: it hears of the answer even if nothing was there.
    asked: Vec<ProcessId>,
    /// Processes that are to be looked at after the commit.
    looks: Vec<ProcessId>,
    /// Who wants to know whom time woke.
    wakers: Vec<oneshot::Sender<Result<Due, Fault>>>,
    /// When the first is due of those that this group parks.
    earliest: Option<Timestamp>,
}

impl Waiting {
    /// Whether anybody misses it when the group is not committed.
    fn matters(&self, group: &Group) -> bool {
        !self.writers.is_empty()
            || !self.wakers.is_empty()
            || !group.processes.is_empty()
            || !group.breakers.is_empty()
            || !group.claims.is_empty()
    }
}

struct Writing {
    /// Its records in the group.
    records: std::ops::Range<usize>,
    ack: oneshot::Sender<Result<Ack, Fault>>,
    claimed: Option<Claimed>,
}

impl Writer {
    /// A writer and the handle to it; run the writer as a task of its own.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        notices: mpsc::Sender<Notice>,
        close: CancellationToken,
    ) -> (Self, Handle) {
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let (direct_sender, direct) = mpsc::unbounded_channel();
        let soft = Arc::new(SoftTable::default());
        let alarm = Arc::new(Alarm::default());
        let lease = store
            .neighbours()
            .map(|neighbours| Lease::new(neighbours.lease(), clock.now()));
        let handle = Handle {
            queue: sender,
            direct: direct_sender,
            soft: Arc::clone(&soft),
            alarm: Arc::clone(&alarm),
        };
        (
            Self {
                store,
                clock,
                queue,
                direct,
                soft,
                looked: Timestamp::default(),
                notices,
                alarm,
                close,
                lease,
                outlasting: None,
                lent: None,
            },
            handle,
        )
    }

    /// The same, which enters again after the store was away.
    pub(crate) fn outlasting(self, outlasting: Outlasting) -> Self {
        Self {
            outlasting: Some(outlasting).filter(Outlasting::waits),
            ..self
        }
    }

    /// The same, which tells of each sign of life where that matters.
    pub(crate) fn renewing(self, lent: Option<Arc<Lent>>) -> Self {
        Self { lent, ..self }
    }

    /// Writes until it is closed and everything handed in is durable, or until the store fails for good.
    pub(crate) async fn run(mut self) {
        let mut messages = Vec::new();
        loop {
            let idle = if self.soft.lock().is_empty() {
                self.lease.as_ref().map_or(BEAT, Lease::beat)
            } else {
                SOFT_WAIT
            };
            tokio::select! {
                biased;
                taken = self.queue.recv_many(&mut messages, GROUP_MAX) => if taken == 0 { return },
                Some(message) = self.direct.recv() => messages.push(message),
                () = self.close.cancelled() => return,
                () = tokio::time::sleep(idle) => {}
            }
            self.gather_ready(&mut messages).await;
            let now = self.clock.now();
            let (group, waiting) = self.gather(std::mem::take(&mut messages), now);
            let matters = waiting.matters(&group);
            let says = self.says(&group, &waiting.looks, now);
            match self.write_in_time(group, &waiting.looks, now).await {
                Ok(report) => {
                    if let Some(lease) = self.lease.as_mut().filter(|_| says) {
                        lease.renewed(now);
                    }
                    if let Some(lent) = self.lent.as_ref().filter(|_| says) {
                        lent.renew(now);
                    }
                    self.answer(waiting, report).await;
                }
                // Soft changes and signs of life are said again soon.
                Err(Fault::Busy(_)) if !matters && waiting.looks.is_empty() => {}
                Err(fault) => {
                    if let Err(fault) = self.outlast(waiting, fault).await {
                        return self.give_up(fault).await;
                    }
                }
            }
        }
    }

    /// Whether what is about to be written says that this engine is alive. Looking does not, so where nothing else came for a while
    /// that is said besides: an engine must not take itself for alive because it has read something.
    fn says(&self, group: &Group, looks: &[ProcessId], now: Timestamp) -> bool {
        let silent = |lease: &Lease| lease.is_silent(now);
        !is_nothing(group) || looks.is_empty() || self.lease.as_ref().is_some_and(silent)
    }

    /// Commits a group, or says that this engine is alive; then looks at what was asked for.
    async fn write(
        &self,
        group: Group,
        looks: &[ProcessId],
        now: Timestamp,
    ) -> Result<Report, Fault> {
        let mut report = if !is_nothing(&group) {
            self.commit(Arc::new(group)).await?
        } else if self.says(&group, looks, now) {
            Report {
                woken: self.store.beat(now).await?,
                ..Report::default()
            }
        } else {
            Report::default()
        };
        for process in looks {
            match self.store.process(*process).await {
                Ok(row) => report.processes.push(row),
                // A launch that was removed.
                Err(Fault::Conflict(_)) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(report)
    }

    /// Lets every task that can run now hand in what it has. No time passes for this: where nobody is ready, it ends at once.
    /// Without it the first lane that is acknowledged would start a commit for itself alone, and the others wait for it.
    async fn gather_ready(&mut self, messages: &mut Vec<Message>) {
        for _ in 0..GATHER_ROUNDS {
            let before = messages.len();
            tokio::task::yield_now().await;
            while messages.len() < GROUP_MAX
                && let Ok(message) = self.queue.try_recv()
            {
                messages.push(message);
            }
            while let Ok(message) = self.direct.try_recv() {
                messages.push(message);
            }
            if messages.len() == before {
                return;
            }
        }
    }

    fn gather(&mut self, messages: Vec<Message>, now: Timestamp) -> (Group, Waiting) {
        let mut group = Group {
            at: now,
            ..Group::default()
        };
        let mut waiting = Waiting::default();
        if now.micros_since(self.looked) >= micros(SOFT_LOOK) {
            self.looked = now;
            self.gather_soft(&mut group);
        }
        for message in messages {
            match message {
                Message::Write {
                    owned,
                    changes,
                    then,
                    breakers,
                    claim,
                    ack,
                } => {
                    group.processes.extend(then);
                    group.breakers.extend(breakers);
                    let from = group.records.len();
                    let due = changes.iter().filter_map(due_of).min();
                    waiting.earliest = waiting.earliest.into_iter().chain(due).min();
                    group
                        .records
                        .extend(changes.into_iter().map(|change| Record { owned, change }));
                    if let Some(process) = claim {
                        let (count, askers) = waiting.claims.entry(process).or_default();
                        *count += 1;
                        askers.push(waiting.writers.len());
                    }
                    waiting.writers.push(Writing {
                        records: from..group.records.len(),
                        ack,
                        claimed: None,
                    });
                }
                Message::Breaker(row, ack) => {
                    group.breakers.push(row);
                    waiting.writers.push(Writing {
                        records: 0..0,
                        ack,
                        claimed: None,
                    });
                }
                Message::Process(change) => group.processes.push(change),
                Message::Look(process) => waiting.looks.push(process),
                Message::Wake { max, ack } => {
                    group.wakes = group.wakes.max(max);
                    waiting.wakers.push(ack);
                }
                Message::Claim(claim) => {
                    waiting.claims.entry(claim.process).or_default().0 += claim.max;
                    waiting.asked.push(claim.process);
                }
            }
        }
        // Lanes hand theirs in as they come to it; the store keeps the newest, and their history in this order.
        group.breakers.sort_by_key(|breaker| breaker.change);
        let claims = waiting.claims.iter().map(|(process, (max, _))| Claim {
            process: *process,
            max: *max,
        });
        group.claims = claims.collect();
        (group, waiting)
    }

    /// Takes the soft changes that have waited long enough.
    fn gather_soft(&self, group: &mut Group) {
        for entry in self.soft.lock().values() {
            let mut soft = entry.soft.lock().unwrap_or_else(PoisonError::into_inner);
            let long = |since| group.at.micros_since(since) >= micros(SOFT_WAIT);
            if soft.since.is_some_and(long) {
                let owned = entry.owned;
                group.breakers.append(&mut soft.breakers);
                let records = soft.take().into_iter();
                group
                    .records
                    .extend(records.map(|change| Record { owned, change }));
            }
        }
    }

    async fn commit(&self, group: Arc<Group>) -> Result<Report, Fault> {
        fail::fail_point!("engine::journal::before_commit");
        let mut tries = 0;
        let report = loop {
            match self.store.commit(Arc::clone(&group)).await {
                Err(Fault::Busy(reason)) if self.is_patient() || tries < BUSY_TRIES => {
                    tries += 1;
                    tracing::warn!(tries, %reason, "the store is busy; the journal waits for it");
                    // A lock has been waited for already; a server that cannot be reached says so at once.
                    if self.is_patient() {
                        tokio::time::sleep(away::backoff(tries)).await;
                    }
                }
                other => break other?,
            }
        };
        fail::fail_point!("engine::journal::after_commit");
        Ok(report)
    }

    async fn answer(&self, mut waiting: Waiting, report: Report) {
        if let Some(earliest) = waiting.earliest {
            self.alarm.set(earliest);
        }
        for waker in waiting.wakers {
            let _ = waker.send(Ok(Due {
                woken: report.due,
                next: report.next_due,
            }));
        }
        let mut unasked: Vec<Claimed> = Vec::new();
        for claimed in report.claimed {
            let asker = waiting
                .claims
                .get_mut(&claimed.owned.process)
                .and_then(|(_, askers)| askers.pop());
            match asker {
                Some(asker) => waiting.writers[asker].claimed = Some(claimed),
                None => unasked.push(claimed),
            }
        }
        for writing in waiting.writers {
            let lost = report.verdicts[writing.records].contains(&Verdict::Lost);
            let ack = Ack {
                lost,
                claimed: writing.claimed,
            };
            if let Err(Ok(Ack {
                claimed: Some(claimed),
                ..
            })) = writing.ack.send(Ok(ack))
            {
                // Whoever asked is gone; what was claimed for it must not be.
                unasked.push(claimed);
            }
        }
        let moved =
            !report.processes.is_empty() || !report.woken.is_empty() || !waiting.asked.is_empty();
        if moved || !unasked.is_empty() || !waiting.looks.is_empty() {
            let notice = Notice::Committed {
                processes: report.processes,
                decided: report.decided,
                woken: report.woken,
                claimed: unasked,
                asked: waiting.asked,
                looked: waiting.looks,
            };
            let _ = self.notices.send(notice).await;
        }
    }

    async fn give_up(mut self, fault: Fault) {
        tracing::error!(%fault, "the journal cannot be written; the engine stops");
        self.queue.close();
        let _ = self
            .notices
            .send(Notice::JournalFailed(fault.clone()))
            .await;
        while let Some(message) = self.queue.recv().await {
            message.refuse(&fault);
        }
    }
}

impl Waiting {
    /// Tells everybody who waits that it is unknown whether theirs was written.
    fn refuse(self, fault: &Fault) {
        for writing in self.writers {
            let _ = writing.ack.send(Err(fault.clone()));
        }
        for waker in self.wakers {
            let _ = waker.send(Err(fault.clone()));
        }
    }
}

impl Message {
    /// Tells whoever handed it in that it is not written. Nobody waits for the others: they are asked for again.
    fn refuse(self, fault: &Fault) {
        match self {
            Self::Write { ack, .. } | Self::Breaker(_, ack) => {
                let _ = ack.send(Err(fault.clone()));
            }
            Self::Wake { ack, .. } => {
                let _ = ack.send(Err(fault.clone()));
            }
            Self::Process(_) | Self::Claim(_) | Self::Look(_) => {}
        }
    }
}

/// Whether there is nothing to commit.
const fn is_nothing(group: &Group) -> bool {
    group.records.is_empty()
        && group.processes.is_empty()
        && group.breakers.is_empty()
        && group.claims.is_empty()
        && group.wakes == 0
}

/// When a change parks an execution until a time.
fn due_of(change: &Change) -> Option<Timestamp> {
    match change {
        Change::Parked {
            until: Until::Woken { at, .. },
            ..
        } => *at,
        _ => None,
    }
}

/// Whether a cause should be readable by others: work and the journal's own delay are not worth a row.
pub(crate) const fn is_published(kind: CauseKind) -> bool {
    !matches!(kind, CauseKind::Running | CauseKind::Store)
}

#[cfg(test)]
mod tests;
