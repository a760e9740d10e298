//! What people read, beside an engine: the history, the documented views, and the wishes they leave. Each case gets a store of its
//! own with a history beside it.

use crate::store::{Harness, Opener, definition, end_of, entity, step_end};
use carril_model::account::{Cause, CauseKind};
use carril_model::contract::{
    AccessBook, Answer, Change, Claimed, ErrorClass, ExecutionFilter, ExecutionRow, History,
    Mailbox, ProcessFilter, Record, Rerun, Selection, StepEnd, StepError, TableRows, Verdict, Wish,
};
use carril_model::id::{ExecutionId, ProcessId, RequestId, Run, StepId};
use carril_model::state::{ExecutionState, ProcessState, StepState};
use carril_model::time::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;

mod access;
mod figures;
mod lanes;
mod later;
mod locks;
mod old_names;
mod views;

pub use super::import::imports_are_told_with_where_they_came_from;
pub use access::*;
pub use figures::*;
pub use lanes::*;
pub use later::*;
pub use locks::*;
pub use old_names::*;
pub use views::*;

/// What people ask a store, and what they leave in it.
pub trait Reader: AccessBook + History + Mailbox {}

impl<T: AccessBook + History + Mailbox> Reader for T {}

/// Runs a statement in the store's own database, beside the store: rows as lines, columns divided by `|`.
pub type Raw = Box<dyn Fn(&str) -> String>;

/// A store with a harness, and a history beside it.
pub struct House {
    // Before what the store lies in.
    /// The store.
    pub harness: Harness,
    /// What is asked.
    pub history: Arc<dyn Reader>,
    raw: Raw,
}

impl House {
    /// From a way to open the store, one to open its history, which is called once the store is there, and one to run statements
    /// of a case in the store's own words.
    #[must_use]
    pub fn open(opener: Opener, history: impl FnOnce() -> Arc<dyn Reader>, raw: Raw) -> Self {
        Self {
            harness: Harness::open(opener),
            history: history(),
            raw,
        }
    }

    /// Runs a statement in the store's own database.
    pub(crate) fn raw(&self, statement: &str) -> String {
        (self.raw)(statement)
    }

    /// Commits the end of an attempt.
    pub(crate) fn end(&self, claimed: &Claimed, end: StepEnd) {
        self.harness
            .accept(claimed.owned, Change::StepEnded(Box::new(end)));
    }

    pub(crate) fn execution(&self, id: ExecutionId) -> ExecutionRow {
        let found = self
            .harness
            .wait(self.history.execution(id))
            .expect("it is asked");
        found.expect("it is there")
    }

    fn executions(&self, process: ProcessId, filter: &ExecutionFilter) -> Vec<ExecutionId> {
        let found = self
            .harness
            .wait(self.history.executions(process, filter))
            .expect("they are asked");
        found.iter().map(|row| row.id).collect()
    }

    pub(crate) fn sql(&self, sql: &str) -> Vec<Vec<Value>> {
        self.harness
            .wait(self.history.query(sql, 1_000))
            .expect("it is answered")
            .rows
    }
}

pub(crate) fn rows(table: &str) -> Vec<TableRows> {
    vec![TableRows {
        table: table.to_owned(),
        inserted: 3,
        updated: 0,
        deleted: 0,
    }]
}

pub(crate) fn failed(step: u16, class: ErrorClass, began: Timestamp, ended: Timestamp) -> StepEnd {
    StepEnd {
        failures: 1,
        state: StepState::Failed,
        error: Some(StepError::new("CAR0501", class, "no such table: t")),
        ..step_end(step, began, ended)
    }
}

/// An execution is told as it is.
pub fn an_execution_is_told_as_it_is(house: &mut House) {
    let mut spec = house.harness.spec(2);
    spec.entities[1].lane_hash = spec.entities[0].lane_hash;
    let (process, _) = house.harness.launch(&spec);
    let ids = house.executions(
        process,
        &ExecutionFilter {
            max: 10,
            ..ExecutionFilter::default()
        },
    );
    let second = house.execution(ids[1]);
    assert_eq!(
        (second.state, second.behind, second.entity.as_deref()),
        (ExecutionState::Pending, Some(ids[0]), Some("e00001"))
    );
    assert_eq!(
        (
            second.account.cause().kind,
            second.launched_at,
            second.started_at
        ),
        (CauseKind::Key, house.harness.now(), None)
    );
    assert_eq!(second.attributes, entity(1).attributes);
    let started = house.harness.tick(40);
    let claimed = house.harness.claim(process, 1).remove(0);
    let now = house.harness.tick(60);
    let error = Some((
        StepId(0),
        StepError::new("CAR0501", ErrorClass::Permanent, "no"),
    ));
    let mut account = claimed.account.clone();
    account.switch(Cause::plain(CauseKind::Store), now);
    let settled = Change::Settled {
        state: ExecutionState::Failed,
        at: now,
        account,
        error,
        warnings: 2,
    };
    house.harness.accept(claimed.owned, settled);
    let first = house.execution(ids[0]);
    assert_eq!(
        (first.state, first.started_at, first.ended_at),
        (ExecutionState::Failed, Some(started), Some(now))
    );
    assert_eq!(
        (first.failed_step.as_deref(), first.warnings),
        (Some("load/first"), 2)
    );
    assert_eq!(
        first.error.map(|error| error.code).as_deref(),
        Some("CAR0501")
    );
    assert_eq!(first.account.total_micros(now), 100);
    assert_eq!(house.execution(ids[1]).behind, None, "it is its turn");
    assert_eq!(
        house
            .harness
            .wait(house.history.execution(ExecutionId(1 << 50))),
        Ok(None)
    );
}

/// Lists are bounded filtered and go on.
pub fn lists_are_bounded_filtered_and_go_on(house: &mut House) {
    let (first, claimed) = house.harness.running(5);
    house.harness.settle(&claimed[..2], ExecutionState::Failed);
    let (second, _) = house.harness.launch(&house.harness.spec(3));
    let page = |after, max| {
        house.executions(
            first,
            &ExecutionFilter {
                after,
                max,
                ..ExecutionFilter::default()
            },
        )
    };
    let (one, two) = (
        page(None, 3),
        page(claimed.get(2).map(|one| one.owned.execution), 3),
    );
    assert_eq!(
        [one, two].concat(),
        claimed
            .iter()
            .map(|one| one.owned.execution)
            .collect::<Vec<_>>()
    );
    let failed = ExecutionFilter {
        states: vec![ExecutionState::Failed],
        max: 9,
        ..ExecutionFilter::default()
    };
    assert_eq!(house.executions(first, &failed).len(), 2);
    let named = ExecutionFilter {
        entity: Some("e00003".to_owned()),
        max: 9,
        ..ExecutionFilter::default()
    };
    assert_eq!(
        house.executions(first, &named),
        [claimed[3].owned.execution]
    );
    let of_entity = house
        .harness
        .wait(house.history.of_entity("e00001", 9))
        .expect("they are asked");
    assert_eq!(
        of_entity.iter().map(|row| row.process).collect::<Vec<_>>(),
        [second, first],
        "the newest first"
    );
    assert_eq!(
        house.harness.wait(house.history.of_entity("nobody", 9)),
        Ok(Vec::new())
    );
    let processes = |filter: &ProcessFilter| -> Vec<ProcessId> {
        let found = house
            .harness
            .wait(house.history.processes(filter))
            .expect("they are asked");
        found.iter().map(|row| row.id).collect()
    };
    let all = ProcessFilter {
        max: 9,
        ..ProcessFilter::default()
    };
    assert_eq!(processes(&all), [second, first]);
    assert_eq!(
        processes(&ProcessFilter {
            before: Some(second),
            ..all.clone()
        }),
        [first]
    );
    assert_eq!(
        processes(&ProcessFilter {
            max: 1,
            ..all.clone()
        }),
        [second]
    );
    assert_eq!(
        processes(&ProcessFilter {
            states: vec![ProcessState::Failed],
            ..all.clone()
        }),
        []
    );
    assert_eq!(
        processes(&ProcessFilter {
            pipeline: Some("other".to_owned()),
            ..all
        }),
        []
    );
    assert_eq!(
        house.harness.wait(house.history.definition_of(first)),
        Ok(definition())
    );
}

/// A launch that is not whole is not told.
pub fn a_launch_that_is_not_whole_is_not_told(house: &mut House) {
    let spec = house.harness.spec(2);
    house
        .harness
        .wait(
            house
                .harness
                .store()
                .launch(&spec.launch, &spec.entities, None),
        )
        .expect("it begins");
    let all = ProcessFilter {
        max: 9,
        ..ProcessFilter::default()
    };
    assert_eq!(
        house.harness.wait(house.history.processes(&all)),
        Ok(Vec::new())
    );
    assert_eq!(house.sql("SELECT count(*) FROM processes"), [[json!(0)]]);
    assert_eq!(house.sql("SELECT count(*) FROM executions"), [[json!(0)]]);
}

/// Attempts of every run are told with what they said.
pub fn attempts_of_every_run_are_told_with_what_they_said(house: &mut House) {
    let (process, claimed) = house.harness.running(1);
    let claimed = &claimed[0];
    let id = claimed.owned.execution;
    let began = house.harness.now();
    let waits = vec![(Cause::about(CauseKind::Slot, "geneva"), 12)];
    let log = Some("loaded 3 rows".to_owned());
    let ended = house.harness.tick(30);
    house.end(
        claimed,
        StepEnd {
            rows: rows("extract"),
            waits: waits.clone(),
            log,
            ..step_end(0, began, ended)
        },
    );
    house.end(
        claimed,
        failed(1, ErrorClass::Permanent, ended, house.harness.now()),
    );
    house.harness.accept(
        claimed.owned,
        Change::StepBegan {
            step: StepId(2),
            attempt: 1,
            at: ended,
        },
    );
    let under_way = house
        .harness
        .wait(house.history.under_way(process, 9))
        .expect("they are asked");
    assert_eq!(
        under_way
            .iter()
            .map(|row| (row.step.as_str(), row.state))
            .collect::<Vec<_>>(),
        [("third", StepState::Running)]
    );
    house.end(
        claimed,
        StepEnd {
            state: StepState::Cancelled,
            ..step_end(2, ended, house.harness.now())
        },
    );
    house
        .harness
        .settle(std::slice::from_ref(claimed), ExecutionState::Failed);
    let rerun = Rerun {
        execution: id,
        expected: Run(1),
        segment: 0,
        carried: vec![StepId(0)],
    };
    house
        .harness
        .wait(
            house
                .harness
                .store()
                .rerun(process, &[rerun], house.harness.now()),
        )
        .expect("it runs again");
    let all = house
        .harness
        .wait(house.history.attempts(id, None))
        .expect("they are asked");
    let told: Vec<_> = all
        .iter()
        .map(|row| (row.run, row.stage.as_str(), row.step.as_str(), row.state))
        .collect();
    assert_eq!(
        told,
        [
            (Run(1), "load", "first", StepState::Succeeded),
            (Run(1), "load", "second", StepState::Failed),
            (Run(1), "load", "third", StepState::Cancelled),
            (Run(2), "load", "first", StepState::Succeeded),
        ]
    );
    assert_eq!(
        (all[0].began, all[0].ended, &all[0].rows, &all[0].waits),
        (began, Some(ended), &rows("extract"), &waits)
    );
    assert_eq!(
        all[1].error.as_ref().map(|error| error.class),
        Some(ErrorClass::Permanent)
    );
    assert_eq!(
        (all[3].carried_from, &all[3].rows),
        (Some(Run(1)), &rows("extract"))
    );
    let second = house
        .harness
        .wait(house.history.attempts(id, Some(Run(2))))
        .expect("they are asked");
    assert_eq!(second, all[3..]);
    let logs = house
        .harness
        .wait(house.history.logs(id))
        .expect("they are asked");
    assert_eq!(
        logs,
        [(
            Run(1),
            "load/first".to_owned(),
            1,
            "loaded 3 rows".to_owned()
        )]
    );
}

/// Where steps are is told of the last attempts of the present runs, for the executions that are asked for.
pub fn steps_are_told_where_they_are(house: &mut House) {
    let (process, claimed) = house.harness.running(3);
    let began = house.harness.now();
    let middle = house.harness.tick(100);
    let ended = house.harness.tick(50);
    let first = StepEnd {
        attempt: 1,
        ..failed(0, ErrorClass::Transient, began, middle)
    };
    house.end(&claimed[0], first);
    let second = StepEnd {
        attempt: 2,
        failures: 1,
        ..step_end(0, middle, ended)
    };
    house.end(&claimed[0], second);
    house.end(&claimed[1], failed(0, ErrorClass::Permanent, began, middle));
    let (step, attempt, at) = (StepId(1), 1, middle);
    let began = Change::StepBegan { step, attempt, at };
    house.harness.accept(claimed[1].owned, began);
    let ids: Vec<_> = claimed.iter().map(|one| one.owned.execution).collect();
    let told = |above, upto| {
        let asked = house.history.step_states(process, above, upto);
        let rows = house.harness.wait(asked).expect("it is asked");
        let told = rows
            .iter()
            .map(|row| (row.execution, row.step.0, row.state));
        told.collect::<Vec<_>>()
    };
    let all = [
        (ids[0], 0, StepState::Succeeded),
        (ids[1], 0, StepState::Failed),
        (ids[1], 1, StepState::Running),
    ];
    assert_eq!(told(None, ids[2]), all);
    assert_eq!(told(None, ids[0]), all[..1]);
    assert_eq!(told(Some(ids[0]), ids[2]), all[1..]);
    assert_eq!(told(Some(ids[2]), ExecutionId(i64::MAX)), []);
}

/// The timeline has a line for each entity and stage.
pub fn the_timeline_has_a_line_for_each_entity_and_stage(house: &mut House) {
    let (process, claimed) = house.harness.running(2);
    let began = house.harness.now();
    let middle = house.harness.tick(100);
    let ended = house.harness.tick(50);
    house.end(
        &claimed[0],
        StepEnd {
            attempt: 1,
            ..failed(0, ErrorClass::Transient, began, middle)
        },
    );
    house.end(
        &claimed[0],
        StepEnd {
            attempt: 2,
            failures: 1,
            ..step_end(0, middle, ended)
        },
    );
    house.end(&claimed[1], failed(0, ErrorClass::Permanent, began, middle));
    house.harness.accept(
        claimed[1].owned,
        Change::StepBegan {
            step: StepId(1),
            attempt: 1,
            at: middle,
        },
    );
    let lines = house
        .harness
        .wait(house.history.timeline(process, 9))
        .expect("it is asked");
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line.execution,
                line.stage.as_str(),
                line.began,
                line.ended,
                line.busy_micros,
                line.state,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                claimed[0].owned.execution,
                "load",
                began,
                Some(ended),
                150,
                StepState::Succeeded
            ),
            (
                claimed[1].owned.execution,
                "load",
                began,
                None,
                100,
                StepState::Failed
            ),
        ]
    );
    assert_eq!(lines[1].entity.as_deref(), Some("e00001"));
}

/// Overlaps and bottlenecks are about resources.
pub fn overlaps_and_bottlenecks_are_about_resources(house: &mut House) {
    let (process, claimed) = house.harness.running(3);
    let start = house.harness.now();
    let at = |micros: i64| Timestamp(start.0 + micros);
    house.harness.tick(1_000);
    let use_of = |table: &str, from, until| StepEnd {
        rows: rows(table),
        ..step_end(0, at(from), at(until))
    };
    house.end(&claimed[0], use_of("shared", 0, 100));
    house.end(
        &claimed[1],
        StepEnd {
            waits: vec![(Cause::about(CauseKind::Slot, "shared"), 9)],
            ..use_of("shared", 40, 200)
        },
    );
    house.end(&claimed[2], use_of("apart", 0, 500));
    // Both use it one after the other in one lane: that is no overlap.
    house.end(
        &claimed[1],
        StepEnd {
            rows: rows("shared"),
            ..step_end(1, at(150), at(160))
        },
    );
    let found = house
        .harness
        .wait(house.history.overlaps(process, 9))
        .expect("they are asked");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].resource.as_str(), found[0].from, found[0].micros),
        ("shared", at(40), 60)
    );
    assert_eq!(
        (found[0].first, found[0].second),
        (claimed[0].owned.execution, claimed[1].owned.execution)
    );
    assert_eq!(found[0].second_entity.as_deref(), Some("e00001"));
    let cause = Cause::about(CauseKind::Lock, "apart");
    house.harness.accept(
        claimed[2].owned,
        Change::Waited {
            step: Some(StepId(0)),
            cause,
            from: at(5),
            until: at(30),
            lock: None,
        },
    );
    let found = house
        .harness
        .wait(house.history.bottlenecks(process, 9))
        .expect("they are asked");
    let told: Vec<_> = found
        .iter()
        .map(|row| {
            (
                row.resource.as_str(),
                row.accesses,
                row.mean_micros,
                row.max_micros,
            )
        })
        .collect();
    assert_eq!(
        told,
        [("apart", 1, 500, 500), ("shared", 3, 90, 160)],
        "what is waited for longest comes first"
    );
    let waited: Vec<_> = found
        .iter()
        .map(|row| (row.waits, row.waited_micros, row.locks))
        .collect();
    assert_eq!(waited, [(1, 25, 1), (1, 9, 0)]);
}

/// Waits and causes are summed over a process.
pub fn waits_and_causes_are_summed_over_a_process(house: &mut House) {
    let (process, _) = house.harness.launch(&house.harness.spec(3));
    house.harness.tick(10);
    let first = house.harness.claim(process, 1);
    house.harness.tick(90);
    let second = house.harness.claim(process, 1);
    let end = house.harness.tick(1_000);
    let records: Vec<Record> = [&first, &second]
        .iter()
        .map(|claimed| end_of(&claimed[0], ExecutionState::Succeeded, end))
        .collect();
    assert_eq!(
        house.harness.records(records),
        [Verdict::Done, Verdict::Done]
    );
    let waits = house
        .harness
        .wait(house.history.waits(process, end))
        .expect("they are asked");
    let told: Vec<_> = waits
        .iter()
        .map(|row| {
            (
                row.cause,
                row.executions,
                row.total_micros,
                row.max_micros,
                row.worst,
            )
        })
        .collect();
    let worst = |claimed: &[Claimed]| Some(claimed[0].owned.execution);
    let third = worst(&second).map(|id| ExecutionId(id.0 + 1));
    assert_eq!(
        told,
        [
            (CauseKind::Running, 2, 2_090, 1_090, worst(&first)),
            // The third has waited from the launch on, and still does.
            (CauseKind::Queued, 3, 1_210, 1_100, third)
        ]
    );
    let causes = house
        .harness
        .wait(house.history.causes(process))
        .expect("they are asked");
    assert_eq!(
        causes.into_iter().collect::<Vec<_>>(),
        [(CauseKind::Queued, 1)],
        "the settled ones are not in it"
    );
}
