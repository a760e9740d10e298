//! The engine as the simulator has it: everything that a crash takes, and no decision of its own.
//!
//! It does what `carril-engine` does with the same functions of the model, on one thread and told the time: lanes drive
//! [`carril_model::execution::Execution`], a journal commits groups, a coordinator asks [`carril_model::process::next`].

pub(super) mod control;
pub(super) mod coordinator;
pub(super) mod journal;
pub(super) mod lane;
mod limits;
pub(super) mod rollback;
mod shares;
mod waker;

use carril_model::breaker::{Breaker, BreakerRow};
use carril_model::contract::{
    Change, Claim, Claimed, Group, Owned, ProcessChange, ProcessRow, Report,
};
use carril_model::definition::BreakerPolicy;
use carril_model::id::{ExecutionId, NodeId, ProcessId, StepId, Token};
use carril_model::time::Timestamp;
use lane::Lane;
use std::collections::{BTreeMap, VecDeque};

/// A running engine.
pub(super) struct Engine {
    /// Tells events of this engine from those of former ones.
    pub(super) epoch: u64,
    pub(super) node: NodeId,
    pub(super) lanes: BTreeMap<u64, Lane>,
    pub(super) processes: BTreeMap<ProcessId, Managed>,
    /// Looks under way, also at processes that nobody ran here when they were asked for.
    pub(super) looks: BTreeMap<ProcessId, u32>,
    pub(super) queue: VecDeque<Message>,
    pub(super) writing: Option<Writing>,
    /// A journal event is under way.
    pub(super) kicked: bool,
    pub(super) soft_due: bool,
    pub(super) notices: VecDeque<Notice>,
    pub(super) notices_due: bool,
    /// The coordinator is taking notices; what it deals follows at their end.
    pub(super) taking: bool,
    /// Who has the one slot, and who waits for it.
    pub(super) slot: Option<(u64, StepId)>,
    pub(super) slot_waiters: VecDeque<(u64, StepId)>,
    /// In the order of [`BREAKERS`](super::workload::BREAKERS).
    pub(super) guards: Vec<Guard>,
    /// Deals of lanes made so far, where they are limited.
    pub(super) deals: u64,
    pub(super) undoing: BTreeMap<ProcessId, u32>,
    pub(super) revoked: BTreeMap<ExecutionId, Token>,
    pub(super) rollbacks: VecDeque<Rollback>,
    pub(super) stopping: Option<bool>,
    /// When it looks next for who is due.
    pub(super) alarm: Option<Timestamp>,
}

/// A breaker, and the steps that wait for it in the order in which they came.
pub(super) struct Guard {
    pub(super) breaker: Breaker,
    pub(super) policy: BreakerPolicy,
    pub(super) waiters: Vec<(u64, StepId)>,
}

/// A process that this engine runs.
pub(super) struct Managed {
    pub(super) row: ProcessRow,
    pub(super) active: u32,
    pub(super) claiming: bool,
    pub(super) again: bool,
    pub(super) settling: bool,
    pub(super) unswept: bool,
    pub(super) cancelled: bool,
    /// Where the engine's lanes are limited: something of it may be pending.
    pub(super) hungry: bool,
    /// Lanes that the claim under way may fill.
    pub(super) reserved: u32,
    /// The deal in which it was last given lanes.
    pub(super) served: u64,
    /// Its lanes are passed on as they come free.
    pub(super) yields: bool,
}

/// What is handed to the journal.
pub(super) enum Message {
    Write {
        who: Writer,
        owned: Owned,
        changes: Vec<Change>,
        breakers: Vec<BreakerRow>,
        then: Option<ProcessChange>,
        claim: Option<ProcessId>,
    },
    Process(ProcessChange),
    /// Somebody moved a breaker by hand.
    Breaker(BreakerRow),
    Claim(Claim),
    Look(ProcessId),
    /// Those who are due are to be woken.
    Wake,
}

/// Who waits for a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    Lane(u64),
    Rollback,
}

/// A group under way, and who waits for it.
pub(super) struct Writing {
    pub(super) group: Group,
    pub(super) writers: Vec<(Writer, std::ops::Range<usize>, Option<Claimed>)>,
    pub(super) askers: BTreeMap<ProcessId, Vec<usize>>,
    pub(super) asked: Vec<ProcessId>,
    pub(super) looks: Vec<ProcessId>,
    pub(super) report: Option<Report>,
}

/// What the coordinator is told.
pub(super) enum Notice {
    Committed {
        processes: Vec<ProcessRow>,
        woken: Vec<ProcessId>,
        claimed: Vec<Claimed>,
        asked: Vec<ProcessId>,
        looked: Vec<ProcessId>,
    },
    LaneFree {
        process: ProcessId,
        dry: bool,
    },
    Adopt {
        row: Box<ProcessRow>,
        claimed: Vec<Claimed>,
    },
    Moved(Vec<ProcessId>),
    KeysFreed,
    Woken(Vec<ProcessId>),
    Swept(ProcessId),
}

/// A rollback of executions of one process.
pub(super) struct Rollback {
    pub(super) process: ProcessId,
    pub(super) executions: Vec<ExecutionId>,
    /// What was begun, once it has; taken out one by one as it is removed.
    pub(super) begun: Option<VecDeque<Owned>>,
    pub(super) writing: bool,
    pub(super) own_is_meant: bool,
    /// The process stays where it is since the engine entered: a former one had begun this.
    pub(super) held: bool,
}

impl Engine {
    pub(super) fn new(epoch: u64, node: NodeId, guards: Vec<Guard>) -> Self {
        Self {
            epoch,
            node,
            lanes: BTreeMap::new(),
            processes: BTreeMap::new(),
            looks: BTreeMap::new(),
            queue: VecDeque::new(),
            writing: None,
            kicked: false,
            soft_due: false,
            notices: VecDeque::new(),
            notices_due: false,
            taking: false,
            slot: None,
            slot_waiters: VecDeque::new(),
            guards,
            deals: 0,
            undoing: BTreeMap::new(),
            revoked: BTreeMap::new(),
            rollbacks: VecDeque::new(),
            stopping: None,
            alarm: None,
        }
    }

    pub(super) fn has_lane(&self, which: impl Fn(&Owned) -> bool) -> bool {
        self.lanes.values().any(|lane| which(&lane.owned))
    }
}

/// Changes that ride with the next commit of their lane.
#[derive(Default)]
pub(super) struct Soft {
    pub(super) since: Option<Timestamp>,
    pub(super) changes: Vec<Change>,
    pub(super) breakers: Vec<BreakerRow>,
    pub(super) account: Option<carril_model::account::TimeAccount>,
}
