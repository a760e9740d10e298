//! Committing groups: what is written reads back, what is not one's own is refused, numbers never drift.

use super::{Harness, end_of, step_end};
use carril_model::account::{Cause, CauseKind};
use carril_model::contract::{
    Change, Claimed, ErrorClass, Owned, Record, StepEnd, StepError, TableRows, Until, Verdict,
};
use carril_model::id::{Run, StepId, Token};
use carril_model::state::{ExecutionState, ProcessState, StepState};
use carril_model::time::Timestamp;
use serde_json::json;
use std::time::Duration;

fn ended(owned: Owned, end: StepEnd) -> Record {
    Record {
        owned,
        change: Change::StepEnded(Box::new(end)),
    }
}

fn one(harness: &Harness) -> Claimed {
    harness.running(1).1.remove(0)
}

/// Everything that an end can say is there for the next claim.
pub fn a_step_end_reads_back_whole(harness: &mut Harness) {
    let claimed = one(harness);
    let now = harness.now();
    let mut error = StepError::new("CAR0501", ErrorClass::Transient, "table is \"locked\"");
    error.native = Some("262".to_owned());
    let rows = vec![TableRows {
        table: "t".to_owned(),
        inserted: 1,
        updated: 2,
        deleted: 3,
    }];
    let end = StepEnd {
        attempt: 3,
        failures: 2,
        state: StepState::Failed,
        ended: now.after(Duration::from_micros(77)),
        retry_at: Some(now.after(Duration::from_secs(1))),
        fallback: true,
        reason: Some("because".to_owned()),
        output: Some(json!({"rows": 7})),
        rows: rows.clone(),
        error: Some(error.clone()),
        log: Some("printed".to_owned()),
        waits: vec![(Cause::about(CauseKind::Slot, "geneva"), 12)],
        ..step_end(1, now, now)
    };
    harness.accept(claimed.owned, Change::StepEnded(Box::new(end.clone())));
    let steps = harness
        .wait(harness.store().steps(claimed.owned.execution))
        .expect("they are read");
    assert_eq!(steps.len(), 1);
    let step = &steps[0];
    assert_eq!(
        (step.step, step.attempt, step.failures, step.state),
        (StepId(1), 3, 2, StepState::Failed)
    );
    assert_eq!(
        (step.retry_at, step.fallback, &step.output),
        (end.retry_at, true, &end.output)
    );
    assert_eq!((step.error.as_ref(), &step.rows), (Some(&error), &rows));
}

/// START and END in one group are one attempt, and both are answered.
pub fn a_beginning_and_its_end_are_one_attempt(harness: &mut Harness) {
    let claimed = one(harness);
    let now = harness.now();
    let began = Record {
        owned: claimed.owned,
        change: Change::StepBegan {
            step: StepId(0),
            attempt: 1,
            at: now,
        },
    };
    let verdicts = harness.records(vec![began, ended(claimed.owned, step_end(0, now, now))]);
    assert_eq!(verdicts, [Verdict::Done, Verdict::Done]);
    let steps = harness
        .wait(harness.store().steps(claimed.owned.execution))
        .expect("they are read");
    assert_eq!(
        steps.iter().map(|step| step.state).collect::<Vec<_>>(),
        [StepState::Succeeded]
    );
}

/// A START alone is there for others; its END completes it.
pub fn an_attempt_under_way_is_there_and_ends(harness: &mut Harness) {
    let claimed = one(harness);
    let now = harness.now();
    harness.accept(
        claimed.owned,
        Change::StepBegan {
            step: StepId(0),
            attempt: 1,
            at: now,
        },
    );
    let under_way = harness
        .wait(harness.store().steps(claimed.owned.execution))
        .expect("they are read");
    assert_eq!(
        under_way.iter().map(|step| step.state).collect::<Vec<_>>(),
        [StepState::Running]
    );
    let end = StepEnd {
        output: Some(json!(5)),
        ..step_end(0, now, harness.tick(5))
    };
    harness.accept(claimed.owned, Change::StepEnded(Box::new(end)));
    let done = harness
        .wait(harness.store().steps(claimed.owned.execution))
        .expect("they are read");
    assert_eq!(
        (done.len(), done[0].state, &done[0].output),
        (1, StepState::Succeeded, &Some(json!(5)))
    );
}

/// Of many attempts the last is the step's; attempts are numbered past 9.
pub fn only_the_latest_attempt_of_a_step_counts(harness: &mut Harness) {
    let claimed = one(harness);
    let now = harness.now();
    let attempts = 1..=12;
    let records = attempts.map(|attempt| {
        let state = if attempt == 12 {
            StepState::Succeeded
        } else {
            StepState::Failed
        };
        ended(
            claimed.owned,
            StepEnd {
                attempt,
                failures: attempt.min(11),
                state,
                ..step_end(2, now, now)
            },
        )
    });
    let verdicts = harness.records(records.collect());
    assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Done));
    let steps = harness
        .wait(harness.store().steps(claimed.owned.execution))
        .expect("they are read");
    assert_eq!(steps.len(), 1);
    assert_eq!(
        (steps[0].attempt, steps[0].failures, steps[0].state),
        (12, 11, StepState::Succeeded)
    );
}

/// Every kind of change with which `claimed` could write.
fn changes(claimed: &Claimed, at: Timestamp) -> Vec<Change> {
    let account = || claimed.account.clone();
    let state = ExecutionState::Succeeded;
    vec![
        Change::StepBegan {
            step: StepId(2),
            attempt: 1,
            at,
        },
        Change::StepEnded(Box::new(step_end(1, at, at))),
        Change::StepEnded(Box::new(StepEnd {
            reason: Some("when".to_owned()),
            ..step_end(0, at, at)
        })),
        Change::Cause { account: account() },
        Change::Waited {
            step: None,
            cause: Cause::plain(CauseKind::Slot),
            from: at,
            until: at,
            lock: None,
        },
        Change::Parked {
            until: Until::Segment(1),
            account: account(),
        },
        Change::Parked {
            until: Until::Woken {
                at: Some(at),
                keys: vec!["signal:x".to_owned()],
            },
            account: account(),
        },
        Change::StepWaits {
            step: StepId(0),
            attempt: 1,
            began: at,
            until: None,
            question: None,
        },
        Change::SignalTaken {
            signal: 1,
            step: StepId(0),
        },
        Change::Released { account: account() },
        Change::RolledBack {
            at,
            rows: Vec::new(),
        },
        Change::Settled {
            state,
            at,
            account: account(),
            error: None,
            warnings: 0,
        },
    ]
}

/// Whoever lost the claim changes nothing (P4).
pub fn another_token_is_refused(harness: &mut Harness) {
    let claimed = one(harness);
    for token in [claimed.owned.token.0 - 1, claimed.owned.token.0 + 1] {
        for change in changes(&claimed, harness.now()) {
            harness.refuse(
                Owned {
                    token: Token(token),
                    ..claimed.owned
                },
                change,
            );
        }
    }
    assert_eq!(
        harness.state_of(claimed.owned.execution),
        ExecutionState::Running
    );
    assert_eq!(
        harness.wait(harness.store().steps(claimed.owned.execution)),
        Ok(Vec::new())
    );
    harness.recount(claimed.owned.process);
}

/// So does whoever speaks of another run.
pub fn another_run_is_refused(harness: &mut Harness) {
    let claimed = one(harness);
    for change in changes(&claimed, harness.now()) {
        harness.refuse(
            Owned {
                run: Run(2),
                ..claimed.owned
            },
            change,
        );
    }
    assert_eq!(
        harness.state_of(claimed.owned.execution),
        ExecutionState::Running
    );
}

/// After the run is over, its own claim writes nothing more either.
pub fn a_settled_execution_takes_nothing_more(harness: &mut Harness) {
    let claimed = one(harness);
    harness.settle(std::slice::from_ref(&claimed), ExecutionState::Failed);
    for change in changes(&claimed, harness.now()) {
        harness.refuse(claimed.owned, change);
    }
    let row = harness.recount(claimed.owned.process);
    assert_eq!(row.tally.failed, 1);
}

/// A refused record in the middle of a group changes nothing about the others.
pub fn one_refused_record_leaves_the_others_alone(harness: &mut Harness) {
    let (process, claimed) = harness.running(3);
    let now = harness.now();
    let stale = Owned {
        token: Token(0),
        ..claimed[1].owned
    };
    let records = vec![
        ended(claimed[0].owned, step_end(0, now, now)),
        ended(stale, step_end(0, now, now)),
        end_of(&claimed[1], ExecutionState::Succeeded, now),
        ended(claimed[1].owned, step_end(1, now, now)),
        end_of(&claimed[2], ExecutionState::Failed, now),
    ];
    let verdicts = harness.records(records);
    assert_eq!(
        verdicts,
        [
            Verdict::Done,
            Verdict::Lost,
            Verdict::Done,
            Verdict::Lost,
            Verdict::Done
        ]
    );
    let row = harness.recount(process);
    assert_eq!((row.tally.succeeded, row.tally.failed, row.open), (1, 1, 1));
    harness.crash();
    harness.recount(process);
}

/// In one group or two, the second end of a run is refused (P3).
pub fn an_execution_settles_once(harness: &mut Harness) {
    let claimed = one(harness);
    let end = |state| end_of(&claimed, state, harness.now());
    let verdicts = harness.records(vec![
        end(ExecutionState::Succeeded),
        end(ExecutionState::Failed),
    ]);
    assert_eq!(verdicts, [Verdict::Done, Verdict::Lost]);
    assert_eq!(
        harness.records(vec![end(ExecutionState::Succeeded)]),
        [Verdict::Lost]
    );
    let row = harness.recount(claimed.owned.process);
    assert_eq!((row.tally.succeeded, row.tally.failed), (1, 0));
}

/// Each way to end is counted where it belongs, in the same commit.
pub fn tallies_move_with_their_records(harness: &mut Harness) {
    let (process, claimed) = harness.running(9);
    let states = [
        ExecutionState::Succeeded,
        ExecutionState::Failed,
        ExecutionState::Skipped,
        ExecutionState::Cancelled,
    ];
    let records = claimed
        .iter()
        .zip(states.iter().cycle())
        .map(|(one, state)| end_of(one, *state, harness.now()));
    let report = harness
        .try_commit(records.collect(), Vec::new(), Vec::new())
        .expect("the commit succeeds");
    assert_eq!(report.processes.len(), 1);
    let row = harness.recount(process);
    assert_eq!(report.processes[0], row);
    let tally = row.tally;
    assert_eq!(
        (
            tally.succeeded,
            tally.failed,
            tally.skipped,
            tally.cancelled
        ),
        (3, 2, 2, 2)
    );
    assert_eq!((tally.settled(), row.open), (9, 0));
}

/// The process's own execution settles without moving the numbers of entities.
pub fn the_process_own_execution_is_not_counted(harness: &mut Harness) {
    let mut spec = harness.spec_in_segments(0);
    spec.launch.process_segment = Some(0);
    spec.launch.entity_segment = None;
    spec.launch.segments = 1;
    spec.open = 1;
    let (process, claimed) = harness.launch(&spec);
    assert_eq!(claimed.len(), 1);
    assert!(claimed[0].owned.per_process && claimed[0].entity_key.is_none());
    let row = harness.recount(process);
    assert_eq!(
        (row.open, row.own_state, row.tally.total),
        (1, Some(ExecutionState::Running), 0)
    );
    harness.settle(&claimed, ExecutionState::Failed);
    let row = harness.recount(process);
    assert_eq!(
        (row.open, row.own_state, row.tally.failed),
        (0, Some(ExecutionState::Failed), 0)
    );
    assert_eq!(row.state, ProcessState::Running);
}

/// Whatever is told about causes, the sums and the open stretch are the whole life (P10).
pub fn the_account_adds_up(harness: &mut Harness) {
    let launched = harness.now();
    let (process, _) = harness.launch(&harness.spec(1));
    harness.tick(1_000);
    let mut claimed = harness.claim(process, 1).remove(0);
    for (at, kind) in CauseKind::ALL.iter().enumerate() {
        let now = harness.tick(17 + i64::try_from(at).unwrap_or(0));
        claimed.account.switch(Cause::about(*kind, "somebody"), now);
        harness.accept(
            claimed.owned,
            Change::Cause {
                account: claimed.account.clone(),
            },
        );
    }
    claimed
        .account
        .switch(Cause::plain(CauseKind::Queued), harness.tick(3));
    harness.accept(
        claimed.owned,
        Change::Released {
            account: claimed.account.clone(),
        },
    );
    harness.tick(500);
    let again = harness.claim(process, 1).remove(0);
    let now = harness.tick(41);
    assert_eq!(again.account.total_micros(now), now.micros_since(launched));
    assert_eq!(
        again.account.spent(CauseKind::Queued),
        1_000 + 500 + claimed_queued()
    );
}

/// The second cause of the list above is `key`; `queued` comes first and lasts until then.
const fn claimed_queued() -> i64 {
    18
}

/// Two processes in one group are both reported, as they are after it.
pub fn a_group_reports_every_process_it_moved(harness: &mut Harness) {
    let (first, one) = harness.running(2);
    let mut spec = harness.spec(1);
    spec.entities[0].lane_hash = -9;
    spec.open = 1;
    let (second, two) = harness.launch(&spec);
    let ends = vec![
        end_of(&one[0], ExecutionState::Succeeded, harness.now()),
        end_of(&two[0], ExecutionState::Failed, harness.now()),
    ];
    let report = harness
        .try_commit(ends, Vec::new(), Vec::new())
        .expect("the commit succeeds");
    let mut ids: Vec<_> = report.processes.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, [first, second]);
    for row in report.processes {
        assert_eq!(row, harness.recount(row.id));
    }
    let now = harness.now();
    let report = harness.accept(
        one[1].owned,
        Change::StepEnded(Box::new(step_end(0, now, now))),
    );
    assert!(report.processes.is_empty(), "a step moves no process");
}

/// Nothing in, nothing out.
pub fn an_empty_group_is_no_change(harness: &mut Harness) {
    let (process, _) = harness.running(1);
    let before = harness.process(process);
    let report = harness
        .try_commit(Vec::new(), Vec::new(), Vec::new())
        .expect("the commit succeeds");
    assert!(report.verdicts.is_empty() && report.processes.is_empty() && report.claimed.is_empty());
    assert_eq!(harness.process(process), before);
}
