//! Launching, and what a new engine finds: a launch is whole or not there, and nothing of a former engine goes on.

use super::super::bugs::Bug;
use super::{ModelStore, Moved, Node, Process, Row, pending_cause};
use carril_model::account::{Cause, CauseKind, TimeAccount};
use carril_model::contract::{
    Claim, Claimed, Entered, Fault, Launch, Launched, NewExecution, Owned, ProcessRow, Tally,
};
use carril_model::definition::{Overlap, Version};
use carril_model::guard::VersionRecord;
use carril_model::id::{ExecutionId, NodeId, ProcessId, Run, Token};
use carril_model::process::lanes_done;
use carril_model::state::{ExecutionState, ProcessState, StepState};
use carril_model::time::Timestamp;
use carril_model::transition::ExecutionEvent;
use std::collections::BTreeMap;
use std::sync::Arc;

impl ModelStore {
    /// Begins a launch with its first chunk, and finishes it if `open` is given.
    pub(in super::super) fn launch(
        &mut self,
        node: NodeId,
        launch: &Launch,
        first: &[NewExecution],
        open: Option<u32>,
    ) -> Result<Launched, Fault> {
        self.alive(node)?;
        if let Some(answered) = self.answered(launch) {
            return Ok(answered);
        }
        let unsettled = self.same_unsettled(launch);
        let after = unsettled.filter(|_| launch.overlap != Overlap::Allow);
        let id = self.new_process(launch, after);
        let claimed = self.extend(node, id, first, open, launch.at)?;
        self.see(node, launch.at);
        Ok(Launched::New {
            process: id,
            claimed,
        })
    }

    /// The sign of life that a write carries, if the last one is a second old.
    pub(super) fn see(&mut self, node: NodeId, at: Timestamp) {
        if let Some(node) = self.tables.nodes.get_mut(&node)
            && at.micros_since(node.seen) >= 1_000_000
        {
            node.seen = at;
        }
    }

    /// How a launch would be answered by a process that is there, if it would.
    pub(in super::super) fn answered(&self, launch: &Launch) -> Option<Launched> {
        let mut processes = self.tables.processes.values();
        let repeated = processes.find(|process| {
            launch.idempotency_key.is_some() && process.idempotency_key == launch.idempotency_key
        });
        if let Some(process) = repeated {
            return Some(Launched::Repeated(process.row.id));
        }
        let skips = launch.overlap == Overlap::Skip;
        let unsettled = self.same_unsettled(launch).filter(|_| skips);
        unsettled.map(Launched::Skipped)
    }

    fn same_unsettled(&self, launch: &Launch) -> Option<ProcessId> {
        let mut processes = self.tables.processes.values().rev();
        let unsettled = processes.find(|process| {
            process.overlap_hash == launch.overlap_hash && !process.row.state.is_settled()
        });
        unsettled.map(|process| process.row.id)
    }

    /// What is known of a pipeline's version; lives are shorter than its first hours, so that all of it counts.
    pub(in super::super) fn version(
        &self,
        pipeline: &str,
        version: &Version,
    ) -> Vec<VersionRecord> {
        let is_its = |process: &&Process| {
            let row = &process.row;
            row.pipeline == pipeline
                && row.version == *version
                && row.state != ProcessState::Launching
        };
        let processes: Vec<&Process> = self.tables.processes.values().filter(is_its).collect();
        let Some(first) = processes
            .iter()
            .map(|process| process.row.launched_at)
            .min()
        else {
            return Vec::new();
        };
        let sum = |count: fn(&Tally) -> u64| -> u64 {
            processes
                .iter()
                .map(|process| count(&process.row.tally))
                .sum()
        };
        let failed = sum(|tally| tally.failed);
        let succeeded = sum(|tally| tally.succeeded);
        vec![VersionRecord {
            version: version.clone(),
            first_launch: first,
            settled: processes
                .iter()
                .filter_map(|process| self.tables.process_row(process.row.id))
                .map(|row| lanes_done(&row))
                .sum(),
            failed: if self.has(Bug::FailuresUncounted) {
                0
            } else {
                failed
            },
            succeeded,
            has_succeeded: succeeded > 0,
        }]
    }

    /// Adds executions to a launching process, and opens it if `open` is given.
    pub(in super::super) fn extend(
        &mut self,
        node: NodeId,
        id: ProcessId,
        more: &[NewExecution],
        open: Option<u32>,
        at: Timestamp,
    ) -> Result<Vec<Claimed>, Fault> {
        self.alive(node)?;
        if !self.tables.processes.contains_key(&id) {
            return Err(Fault::Conflict(format!("there is no process {id}")));
        }
        let segment = self.process(id).entity_segment;
        for new in more {
            self.new_execution(id, segment, Some(new), at);
        }
        let process = self.process(id);
        process.row.tally.total += more.len() as u64;
        if segment == 0 {
            process.row.open += more.len() as u64;
        }
        let Some(max) = open else {
            return Ok(Vec::new());
        };
        process.row.state = ProcessState::Running;
        Ok(self.claim(node, Claim { process: id, max }, at))
    }

    /// Removes a launch that is not to be finished.
    pub(in super::super) fn abandon(&mut self, id: ProcessId, at: Timestamp) {
        let launching = self.tables.processes.get(&id);
        if launching.is_none_or(|process| process.row.state != ProcessState::Launching) {
            return;
        }
        let process = self.tables.processes.remove(&id);
        let mut moved = Moved::default();
        for execution in process
            .map(|process| process.executions)
            .unwrap_or_default()
        {
            let row = self.tables.rows.remove(&execution);
            moved.freed.extend(row.and_then(|row| row.lane_hash));
        }
        self.elect_freed(&mut moved, at);
    }

    /// Registers an engine and takes over what former ones left.
    pub(in super::super) fn enter(&mut self, now: Timestamp) -> Entered {
        let former = self.tables.nodes.clone();
        for node in self.tables.nodes.values_mut() {
            node.left = true;
        }
        let node = NodeId(self.tables.nodes.len() as i64 + 1);
        let entering = Node {
            seen: now,
            left: false,
        };
        self.tables.nodes.insert(node, entering);
        let launches_removed = self.remove_launches(now);
        let running = |row: &&Row| row.state == ExecutionState::Running;
        let running: Vec<ExecutionId> = self
            .tables
            .rows
            .values()
            .filter(running)
            .map(|row| row.owned.execution)
            .collect();
        for execution in &running {
            let node = self.tables.rows[execution].node;
            let seen = node.and_then(|node| former.get(&node));
            let since = self.tables.rows[execution].account.since();
            let seen = seen.map_or(since, |node| node.seen);
            self.hand_back(*execution, CauseKind::Recovering, seen);
        }
        let unsettled = self.tables.processes.values();
        let unsettled = unsettled.filter(|process| !process.row.state.is_settled());
        let rolling_back = self.tables.rows.values().filter(|row| row.rolling_back);
        Entered {
            node,
            launches_removed,
            reclaimed: running.len() as u64,
            unsettled: unsettled
                .filter_map(|process| self.tables.process_row(process.row.id))
                .collect(),
            rolling_back: rolling_back.map(|row| row.owned).collect(),
        }
    }

    /// Hands back what an engine still claims.
    pub(in super::super) fn leave(&mut self, node: NodeId, now: Timestamp) -> Result<(), Fault> {
        self.alive(node)?;
        let running = |row: &&Row| row.state == ExecutionState::Running;
        let rows = self.tables.rows.values();
        let left: Vec<ExecutionId> = rows
            .filter(running)
            .map(|row| row.owned.execution)
            .collect();
        for execution in left {
            self.hand_back(execution, CauseKind::Queued, now);
        }
        if let Some(node) = self.tables.nodes.get_mut(&node) {
            node.left = true;
        }
        Ok(())
    }

    fn hand_back(&mut self, execution: ExecutionId, kind: CauseKind, at: Timestamp) {
        let forget = self.has(Bug::InterruptedForgotten);
        let process = self.tables.rows[&execution].owned.process;
        let kind = match self.waits_for(process, true) {
            CauseKind::Paused => CauseKind::Paused,
            _ => kind,
        };
        let row = self.row(execution);
        row.switch(kind, at);
        row.node = None;
        if !forget {
            row.end_attempts(StepState::Interrupted, at);
        }
        self.go(execution, ExecutionEvent::Release);
    }

    fn remove_launches(&mut self, now: Timestamp) -> u64 {
        if self.has(Bug::LaunchHalfKept) {
            return 0;
        }
        let launching = |process: &&Process| process.row.state == ProcessState::Launching;
        let unfinished: Vec<ProcessId> = self
            .tables
            .processes
            .values()
            .filter(launching)
            .map(|process| process.row.id)
            .collect();
        for process in &unfinished {
            self.abandon(*process, now);
        }
        unfinished.len() as u64
    }

    fn new_process(&mut self, launch: &Launch, after: Option<ProcessId>) -> ProcessId {
        let id = ProcessId(self.tables.next_id);
        self.tables.next_id += 1;
        let row = ProcessRow {
            id,
            pipeline: launch.pipeline.clone(),
            version: launch.version.clone(),
            params: launch.params.clone(),
            state: ProcessState::Launching,
            reason: None,
            cancelling: None,
            reopened: false,
            segment: 0,
            open: u64::from(launch.process_segment == Some(0)),
            waiting: 0,
            lanes: launch.lanes,
            after,
            own: None,
            own_state: None,
            own_segment: None,
            tally: Tally::default(),
            targets: BTreeMap::new(),
            folder: None,
            priority: launch.priority,
            launched_by: String::new(),
            launched_at: launch.at,
            ended_at: None,
        };
        let process = Process {
            row,
            overlap: launch.overlap,
            overlap_hash: launch.overlap_hash,
            entity_segment: launch.entity_segment.unwrap_or(0),
            executions: Vec::new(),
            idempotency_key: launch.idempotency_key.clone(),
            cancelled_as: None,
        };
        self.tables.processes.insert(id, process);
        if let Some(segment) = launch.process_segment {
            let own = self.new_execution(id, segment, None, launch.at);
            self.process(id).row.own = Some(own);
        }
        id
    }

    fn new_execution(
        &mut self,
        process: ProcessId,
        segment: u32,
        entity: Option<&NewExecution>,
        at: Timestamp,
    ) -> ExecutionId {
        let execution = ExecutionId(self.tables.next_id);
        self.tables.next_id += 1;
        let lane_hash = entity.map(|entity| entity.lane_hash);
        let ready =
            lane_hash.is_none_or(|key| !self.is_taken(key)) || self.has(Bug::LaneKeyIgnored);
        let (state, cause) = if segment == 0 {
            (ExecutionState::Pending, pending_cause(ready))
        } else {
            (ExecutionState::Waiting, CauseKind::Barrier)
        };
        let owned = Owned {
            process,
            execution,
            run: Run(1),
            token: Token(0),
            per_process: entity.is_none(),
        };
        let row = Row {
            owned,
            state,
            segment,
            ready,
            lane_hash,
            rolling_back: false,
            cancelling: false,
            claimed_cancelling: false,
            account: TimeAccount::open(Cause::plain(cause), at),
            opened: at,
            uncharged: 0,
            started: false,
            node: None,
            ended_at: None,
            entity_key: entity.map(|entity| entity.entity_key.clone()),
            attributes: Arc::new(
                entity
                    .map(|entity| entity.attributes.clone())
                    .unwrap_or_default(),
            ),
            steps: BTreeMap::new(),
            parked: false,
            wake_at: None,
            wake_keys: Vec::new(),
            signals: Vec::new(),
            taken: Vec::new(),
            signal_keys: std::collections::BTreeSet::new(),
            sent: 0,
            history: BTreeMap::new(),
        };
        self.tables.rows.insert(execution, row);
        self.process(process).executions.push(execution);
        execution
    }
}
