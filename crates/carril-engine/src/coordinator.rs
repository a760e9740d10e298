//! Owns who runs what: one task that knows every process of this engine, starts lanes, and asks the model what a process
//! does next whenever a commit moved it.
//!
//! It holds no truth: rows come from commits, and every change it asks for is checked again by the store.

mod adapting;

use crate::engine::Engine;
use crate::event::Event;
use crate::lane::{self, Signal};
use crate::process_run::ProcessRun;
use crate::rails;
use crate::recovery;
use crate::shared::Core;
use crate::task::Kind;
use adapting::Adapting;
use carril_model::contract::{Claim, Claimed, Entered, Fault, ProcessChange, ProcessRow};
use carril_model::id::ProcessId;
use carril_model::process;
use carril_model::shares::{self, Hungry};
use carril_model::state::ProcessState;
use carril_model::time::Timestamp;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::{mpsc, oneshot};

/// Notices that may wait for the coordinator; senders wait beyond that.
pub(crate) const NOTICES_MAX: usize = 1_024;

/// What the coordinator is told.
pub(crate) enum Notice {
    /// A commit moved processes, woke some, or claimed executions that no lane asked for.
    Committed {
        processes: Vec<ProcessRow>,
        decided: Vec<ProcessId>,
        woken: Vec<ProcessId>,
        claimed: Vec<Claimed>,
        asked: Vec<ProcessId>,
        looked: Vec<ProcessId>,
    },
    /// The journal has stopped for good.
    JournalFailed(Fault),
    /// A lane has ended; `dry` when it had asked for more and there was none.
    LaneFree { process: ProcessId, dry: bool },
    /// A process to run from now on.
    Adopt {
        run: Arc<ProcessRun>,
        row: Box<ProcessRow>,
        claimed: Vec<Claimed>,
    },
    /// A process that another engine launched, to run beside it.
    TakeUp {
        run: Arc<ProcessRun>,
        row: Box<ProcessRow>,
    },
    /// The store no longer takes this engine for one that may write, or nobody knows: what was claimed is lost, and nothing is
    /// asked of the journal until the engine has entered again. The answer says that the lanes have been told.
    StoreLost(oneshot::Sender<()>),
    /// The engine has entered again, and found this.
    Back(Box<Entered>),
    /// Something outside the journal moved these processes.
    Moved(Vec<ProcessId>),
    /// Something outside the journal may have set lane keys free, whoever waits for them.
    KeysFreed,
    /// Something outside the journal made executions of these processes ready.
    Woken(Vec<ProcessId>),
    /// A process has been swept and may settle.
    Swept(ProcessId),
}

struct Managed {
    run: Arc<ProcessRun>,
    row: ProcessRow,
    active: u32,
    /// A claim is under way.
    claiming: bool,
    /// Something was woken while nobody could take it: a claim was under way, or every lane still busy with its last.
    again: bool,
    /// Its workspaces are being swept.
    settling: bool,
    /// It moved on while it was being swept: what was swept is not all.
    unswept: bool,
    /// Whether what ends it was done at this engine's asking: of several, that one tells what there is to tell.
    decided: bool,
    /// Where the engine's lanes are limited: something of it may be pending.
    hungry: bool,
    /// Lanes that the claim under way may fill.
    reserved: u32,
    /// The deal in which it was last given lanes.
    served: u64,
    /// How the number of its lanes is found out, where it is.
    adapting: Option<Adapting>,
}

impl Managed {
    fn new(run: Arc<ProcessRun>, row: ProcessRow, now: Timestamp) -> Self {
        Self {
            adapting: Adapting::of(&run, row.lanes, now),
            run,
            row,
            active: 0,
            claiming: false,
            again: false,
            settling: false,
            unswept: false,
            decided: false,
            hungry: false,
            reserved: 0,
            served: 0,
        }
    }

    /// Whether nothing of it is left to do here, if its row is not older than what a look under way will tell.
    const fn is_done(&self) -> bool {
        self.row.state.is_settled() && self.active == 0 && !self.claiming && !self.settling
    }
}

/// Lanes of a process that is paused, or goes on, hear of it.
fn pause(core: &Core, managed: &Managed, paused: bool) {
    if !managed.run.pause(paused) {
        return;
    }
    if paused {
        let id = managed.row.id;
        core.lanes
            .signal(Signal::Drain, |owned| owned.process == id);
    }
    core.board.moved();
}

/// What the process needs now, as its row was last told.
fn next_of(managed: &Managed, now: Timestamp) -> Option<ProcessChange> {
    let plan = &managed.run.plan;
    let abort_when = plan.definition().lanes.abort_when.as_ref();
    let segments = u32::try_from(plan.segments().len()).unwrap_or(u32::MAX);
    process::next(&managed.row, segments, abort_when, now)
}

pub(crate) struct Coordinator {
    core: Arc<Core>,
    notices: mpsc::Receiver<Notice>,
    processes: HashMap<ProcessId, Managed>,
    /// Looks under way, also at processes that nobody ran here when they were asked for.
    looks: HashMap<ProcessId, u32>,
    /// Lanes at once over all processes, if that is limited.
    lanes: Option<u32>,
    /// Deals made so far, where it is.
    deals: u64,
    /// Whether the engine has lost its store and is not back yet: nothing is asked of the journal.
    away: bool,
    /// When lanes are looked at next, where their number is found out.
    looks_at: Timestamp,
}

impl Coordinator {
    pub(crate) fn new(
        core: Arc<Core>,
        notices: mpsc::Receiver<Notice>,
        lanes: Option<u32>,
    ) -> Self {
        Self {
            core,
            notices,
            processes: HashMap::new(),
            looks: HashMap::new(),
            lanes,
            deals: 0,
            away: false,
            looks_at: Timestamp::default(),
        }
    }

    /// Runs until the engine stops and the last lane has ended.
    pub(crate) async fn run(mut self) {
        let stop = self.core.tasks.stop.clone();
        loop {
            // Asked once: it may be cancelled while this looks, and then nobody else would wake it.
            let is_stopping = stop.is_cancelled();
            if is_stopping
                && self
                    .processes
                    .values()
                    .all(|managed| managed.active == 0 && !managed.claiming && !managed.settling)
            {
                return;
            }
            tokio::select! {
                biased;
                () = tokio::time::sleep(self.until_look()), if self.adapts() => self.adapt(),
                notice = self.notices.recv() => match notice {
                    Some(notice) => self.take(notice),
                    None => return,
                },
                () = stop.cancelled(), if !is_stopping => {}
            }
        }
    }

    fn take(&mut self, notice: Notice) {
        match notice {
            Notice::Committed {
                processes,
                decided,
                woken,
                claimed,
                asked,
                looked,
            } => {
                for id in decided {
                    if let Some(managed) = self.processes.get_mut(&id) {
                        managed.decided = true;
                    }
                }
                self.committed(processes, &woken, claimed, &asked, &looked);
            }
            Notice::JournalFailed(fault) => {
                self.core.fail(fault);
                for managed in self.processes.values_mut() {
                    managed.claiming = false;
                }
            }
            Notice::LaneFree { process, dry } => self.lane_free(process, dry),
            Notice::Adopt { run, row, claimed } => self.adopt(run, *row, claimed),
            Notice::TakeUp { run, row } => {
                if !self.processes.contains_key(&run.id) {
                    self.adopt(run, *row, Vec::new());
                }
            }
            Notice::StoreLost(told) => self.store_lost(told),
            Notice::Back(entered) => self.back(*entered),
            Notice::Moved(processes) => processes.into_iter().for_each(|id| self.look(id)),
            Notice::KeysFreed => self.fill_all(),
            Notice::Woken(processes) => processes.into_iter().for_each(|id| self.fill(id)),
            Notice::Swept(process) => self.swept(process),
        }
    }

    fn committed(
        &mut self,
        processes: Vec<ProcessRow>,
        woken: &[ProcessId],
        claimed: Vec<Claimed>,
        asked: &[ProcessId],
        looked: &[ProcessId],
    ) {
        for process in asked {
            if let Some(managed) = self.processes.get_mut(process) {
                let of_it = |claimed: &&Claimed| claimed.owned.process == *process;
                let got = claimed.iter().filter(of_it).count();
                // With all that it asked for there may be more; with less there is none.
                managed.hungry |= got >= managed.reserved as usize;
                managed.claiming = false;
                managed.reserved = 0;
            }
        }
        for process in looked {
            if let Entry::Occupied(mut looks) = self.looks.entry(*process) {
                *looks.get_mut() -= 1;
                if *looks.get() == 0 {
                    looks.remove();
                }
            }
        }
        for claimed in claimed {
            self.start_lane(claimed);
        }
        for row in processes {
            self.moved(row);
        }
        for process in woken.iter().chain(looked) {
            self.fill(*process);
        }
        let waited = |(id, managed): (&ProcessId, &Managed)| {
            (managed.again && !managed.claiming).then_some(*id)
        };
        let again: Vec<ProcessId> = self.processes.iter().filter_map(waited).collect();
        for process in again {
            self.fill(process);
        }
        if !asked.is_empty() {
            self.deal();
        }
        // It may have settled while it was asked for, which was all that kept it.
        for process in asked {
            self.forget_if_done(*process);
        }
    }

    fn lane_free(&mut self, process: ProcessId, dry: bool) {
        let Some(managed) = self.processes.get_mut(&process) else {
            return;
        };
        managed.active -= 1;
        managed.shed();
        if !dry || managed.again {
            self.fill(process);
        } else {
            // What it does not need is free for others.
            self.deal();
        }
        self.forget_if_done(process);
    }

    fn adopt(&mut self, run: Arc<ProcessRun>, row: ProcessRow, claimed: Vec<Claimed>) {
        let id = run.id;
        let known = self.processes.contains_key(&id);
        let now = self.core.clock.now();
        self.core.runs.insert(id);
        let managed = self
            .processes
            .entry(id)
            .or_insert_with(|| Managed::new(Arc::clone(&run), row.clone(), now));
        managed.run = run;
        for claimed in claimed {
            self.start_lane(claimed);
        }
        // The row of a process that is known here may be newer than what the journal told and has not arrived yet, or older
        // than what it told since: the look says how it is.
        self.look(id);
        if !known {
            self.moved(row);
            self.fill(id);
        }
        self.core.board.moved();
    }

    /// What was claimed is lost, and what was asked of the journal is not answered.
    fn store_lost(&mut self, told: oneshot::Sender<()>) {
        self.away = true;
        self.core.lanes.lose_all();
        self.looks.clear();
        for managed in self.processes.values_mut() {
            managed.claiming = false;
            managed.reserved = 0;
        }
        self.core.board.moved();
        // The journal waits for this, unless the engine stops.
        let _ = told.send(());
    }

    /// Nothing that was known of the store holds any more: every process is looked at, and goes on.
    fn back(&mut self, entered: Entered) {
        self.away = false;
        self.core.returns.fetch_add(1, Ordering::SeqCst);
        let all: Vec<ProcessId> = self.processes.keys().copied().collect();
        for process in all {
            self.look(process);
            self.fill(process);
        }
        if !entered.rolling_back.is_empty() && !self.core.tasks.stop.is_cancelled() {
            let core = Arc::clone(&self.core);
            Engine { core }.finish_rollbacks(entered.rolling_back);
        }
        self.core.look_now.notify_one();
        self.core.board.moved();
    }

    /// Asks for a process's row in the order of commits, and keeps the process until it has come.
    fn look(&mut self, id: ProcessId) {
        if self.away {
            // Everything is looked at once the engine is back.
            return;
        }
        *self.looks.entry(id).or_default() += 1;
        self.core.journal.look(id);
    }

    fn fill_all(&mut self) {
        let all: Vec<ProcessId> = self.processes.keys().copied().collect();
        for process in all {
            self.fill(process);
        }
        self.core.board.moved();
    }

    fn start_lane(&mut self, claimed: Claimed) {
        let Some(managed) = self.processes.get_mut(&claimed.owned.process) else {
            tracing::error!(
                process = claimed.owned.process.0,
                "an execution of a process that nobody runs here was claimed"
            );
            return;
        };
        managed.active += 1;
        self.core.tasks.spawn(
            Kind::Lane,
            lane::run(
                Arc::clone(&self.core),
                Arc::clone(&managed.run),
                claimed,
                self.core.lanes.generation(),
            ),
        );
    }

    /// A process is as `row` says now: what follows?
    fn moved(&mut self, row: ProcessRow) {
        let id = row.id;
        let now = self.core.clock.now();
        self.core.emit(|| Event::Process {
            process: id,
            state: row.state,
            tally: row.tally,
            at: now,
        });
        let Some(managed) = self.processes.get_mut(&id) else {
            return self.moved_elsewhere(&row, now);
        };
        if row.cancelling.is_some() && !managed.run.is_cancelled() {
            managed.run.cancel();
            if managed.decided || self.core.is_sole() {
                rails::tell_abort(&self.core, &row);
            }
            self.core
                .lanes
                .signal(Signal::Cancel, |owned| owned.process == id);
            self.core.board.moved();
        }
        pause(&self.core, managed, row.state == ProcessState::Paused);
        let has_settled = row.state.is_settled() && !managed.row.state.is_settled();
        let has_other_lanes = row.lanes != managed.row.lanes;
        managed.row = row;
        if has_settled && (managed.decided || self.core.is_sole()) {
            // Another engine may have ended its last lane before this one saw what became of its own decision.
            if !managed.run.is_cancelled() {
                rails::tell_abort(&self.core, &managed.row);
            }
            let looking = rails::look_at_settled(Arc::clone(&self.core), managed.row.clone());
            self.core.tasks.spawn(Kind::Work, looking);
        }
        let next = next_of(managed, now);
        if has_other_lanes {
            self.lanes_moved(id, now);
        }
        let Some(managed) = self.processes.get_mut(&id) else {
            return;
        };
        match next {
            // Whoever holds it may be waiting for just this moment.
            Some(ProcessChange::Settle { .. } | ProcessChange::Advance { .. })
                if self.core.undoing.holds(id) =>
            {
                self.core.board.moved();
            }
            Some(ProcessChange::Settle { .. }) => self.sweep(id),
            Some(change) => {
                managed.unswept = true;
                self.core.journal.process(change);
            }
            None => managed.unswept = true,
        }
        if self
            .processes
            .get(&id)
            .is_some_and(|managed| managed.row.state.is_settled())
        {
            self.settled(id);
        }
    }

    /// Before a process settles, its workspaces are swept, once at a time.
    fn sweep(&mut self, id: ProcessId) {
        let Some(managed) = self.processes.get_mut(&id) else {
            return;
        };
        if !managed.settling {
            managed.settling = true;
            managed.unswept = false;
            let (core, run) = (Arc::clone(&self.core), Arc::clone(&managed.run));
            self.core
                .tasks
                .spawn(Kind::Work, recovery::sweep_and_tell(core, run));
        }
    }

    /// A process was swept: it settles as it is now, if it still is to settle.
    fn swept(&mut self, id: ProcessId) {
        let now = self.core.clock.now();
        let Some(managed) = self.processes.get_mut(&id) else {
            return;
        };
        managed.settling = false;
        match next_of(managed, now) {
            Some(ProcessChange::Settle { .. }) if self.core.undoing.holds(id) => {
                self.core.board.moved();
            }
            Some(ProcessChange::Settle { .. }) if managed.unswept => self.sweep(id),
            Some(change @ ProcessChange::Settle { .. }) => self.core.journal.process(change),
            // What follows instead was asked for when the process moved.
            _ => self.forget_if_done(id),
        }
    }

    /// A process that this engine does not run can still be cancelled here: with nobody in a lane, it settles at once.
    fn moved_elsewhere(&self, row: &ProcessRow, now: Timestamp) {
        if row.cancelling.is_some()
            && let Some(change) = process::next(row, 1, None, now)
        {
            self.core.journal.process(change);
        }
        self.core.board.moved();
    }

    fn settled(&mut self, id: ProcessId) {
        self.core.board.moved();
        self.forget_if_done(id);
        let followers: Vec<ProcessId> = self
            .processes
            .iter()
            .filter(|(_, managed)| managed.row.after == Some(id))
            .map(|(id, _)| *id)
            .collect();
        for follower in followers {
            self.fill(follower);
        }
    }

    fn forget_if_done(&mut self, id: ProcessId) {
        if !self.looks.contains_key(&id) && self.processes.get(&id).is_some_and(Managed::is_done) {
            self.processes.remove(&id);
            self.core.runs.remove(id);
            self.core.board.moved();
        }
    }

    /// Claims as many executions as lanes are free.
    fn fill(&mut self, id: ProcessId) {
        if self.away || self.core.tasks.stop.is_cancelled() {
            return;
        }
        let Some(managed) = self.processes.get_mut(&id) else {
            return;
        };
        if self.lanes.is_some() {
            managed.hungry = managed.row.state == ProcessState::Running;
            return self.deal();
        }
        // Also while it is being cancelled: lanes that an engine died over are pending, and only a lane settles them.
        let open = managed.row.state == ProcessState::Running;
        let free = managed.row.lanes.saturating_sub(managed.active);
        let can = !managed.claiming && free > 0;
        managed.again = open && !can;
        if !open || !can {
            return;
        }
        managed.claiming = true;
        self.core.journal.claim(Claim {
            process: id,
            max: free,
        });
    }

    /// Where the engine's lanes are limited: gives the free ones to those that are hungry, and has the others pass theirs on as
    /// they come free, as long as somebody of at least their priority goes without.
    fn deal(&mut self) {
        let Some(lanes) = self.lanes else { return };
        if self.away || self.core.tasks.stop.is_cancelled() {
            return;
        }
        let taken: u32 = self
            .processes
            .values()
            .map(|managed| managed.active + managed.reserved)
            .sum();
        for (id, max) in shares::deal(self.hungry(), lanes.saturating_sub(taken)) {
            let Some(managed) = self.processes.get_mut(&id) else {
                continue;
            };
            self.deals += 1;
            managed.served = self.deals;
            managed.claiming = true;
            managed.reserved = max;
            managed.hungry = false;
            self.core.journal.claim(Claim { process: id, max });
        }
        let left = self.hungry();
        for (id, managed) in &self.processes {
            let yields = shares::yields(&left, *id, managed.row.priority);
            managed.run.pass_lanes_on(yields);
        }
    }

    fn hungry(&self) -> Vec<Hungry> {
        let could = self.processes.iter().filter(|(_, managed)| {
            managed.hungry && !managed.claiming && managed.row.state == ProcessState::Running
        });
        let hungry = could.map(|(id, managed)| Hungry {
            process: *id,
            priority: managed.row.priority,
            wants: managed.row.lanes.saturating_sub(managed.active),
            served: managed.served,
        });
        hungry.filter(|hungry| hungry.wants > 0).collect()
    }
}
