//! Which records of a group are needless.

use super::covered;
use carril_model::account::{Cause, CauseKind, TimeAccount};
use carril_model::contract::{Change, Owned, Record, StepEnd};
use carril_model::id::{ExecutionId, ProcessId, Run, StepId, Token};
use carril_model::state::{ExecutionState, StepState};
use carril_model::time::Timestamp;

fn record(execution: i64, change: Change) -> Record {
    let owned = Owned {
        process: ProcessId(1),
        execution: ExecutionId(execution),
        run: Run(1),
        token: Token(1),
        per_process: false,
    };
    Record { owned, change }
}

fn began(execution: i64, step: u16) -> Record {
    record(
        execution,
        Change::StepBegan {
            step: StepId(step),
            attempt: 1,
            at: Timestamp(1),
        },
    )
}

fn ended(execution: i64, step: u16) -> Record {
    let end = StepEnd {
        step: StepId(step),
        attempt: 1,
        failures: 0,
        state: StepState::Succeeded,
        began: Timestamp(1),
        ended: Timestamp(2),
        retry_at: None,
        fallback: false,
        reason: None,
        output: None,
        rows: Vec::new(),
        error: None,
        log: None,
        waits: Vec::new(),
    };
    record(execution, Change::StepEnded(Box::new(end)))
}

fn account() -> TimeAccount {
    TimeAccount::open(Cause::plain(CauseKind::Slot), Timestamp(1))
}

fn check(records: &[Record], expected: &[(usize, usize)]) {
    let mut found = covered(records);
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn a_beginning_is_covered_by_its_own_end_only() {
    check(&[began(1, 0), ended(1, 0)], &[(0, 1)]);
    check(&[began(1, 0), ended(1, 1), ended(2, 0)], &[]);
    check(&[ended(1, 0), began(1, 0)], &[]);
    check(
        &[
            began(1, 0),
            began(2, 0),
            ended(2, 0),
            ended(1, 0),
            began(1, 1),
        ],
        &[(0, 3), (1, 2)],
    );
}

#[test]
fn a_cause_is_covered_by_the_next_account() {
    let cause = || record(1, Change::Cause { account: account() });
    let settled = record(
        1,
        Change::Settled {
            state: ExecutionState::Failed,
            at: Timestamp(1),
            account: account(),
            error: None,
            warnings: 0,
        },
    );
    check(&[cause(), cause(), settled], &[(0, 1), (1, 2)]);
    check(
        &[cause(), record(2, Change::Cause { account: account() })],
        &[],
    );
}
