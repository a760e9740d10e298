//! What rides with a write, and what the write says anyway.

use super::*;
use carril_model::account::Cause;
use carril_model::contract::StepEnd;
use carril_model::id::{Run, StepId, Token};
use carril_model::state::StepState;

fn place() -> SoftPlace {
    let owned = Owned {
        process: ProcessId(1),
        execution: ExecutionId(2),
        run: Run(1),
        token: Token(1),
        per_process: false,
    };
    let entry = Arc::new(SoftEntry {
        owned,
        soft: Mutex::default(),
    });
    SoftPlace {
        entry,
        table: Arc::default(),
    }
}

fn began(step: u16, attempt: u32) -> Change {
    Change::StepBegan {
        step: StepId(step),
        attempt,
        at: Timestamp(10),
    }
}

fn ended(step: u16, attempt: u32) -> Change {
    Change::StepEnded(Box::new(StepEnd {
        step: StepId(step),
        attempt,
        failures: 0,
        state: StepState::Succeeded,
        began: Timestamp(10),
        ended: Timestamp(20),
        retry_at: None,
        fallback: false,
        reason: None,
        output: None,
        rows: Vec::new(),
        error: None,
        log: None,
        waits: Vec::new(),
    }))
}

#[test]
fn an_end_tells_its_own_beginning() {
    let place = place();
    place.leave(vec![began(3, 1)], Timestamp(10));
    assert_eq!(place.join(vec![ended(3, 1)]), [ended(3, 1)]);
    assert_eq!(place.join(Vec::new()), [], "it was taken, not kept");
}

#[test]
fn beginnings_of_other_attempts_and_steps_ride_along() {
    let place = place();
    place.leave(vec![began(3, 1), began(4, 1), began(3, 2)], Timestamp(10));
    let joined = place.join(vec![ended(3, 1)]);
    assert_eq!(joined, [began(4, 1), began(3, 2), ended(3, 1)]);
}

#[test]
fn a_cause_is_left_out_of_a_write_and_goes_alone_otherwise() {
    let place = place();
    let account = TimeAccount::open(Cause::plain(CauseKind::Slot), Timestamp(10));
    place.leave_cause(&account);
    assert_eq!(place.join(vec![ended(3, 1)]), [ended(3, 1)]);
    place.leave_cause(&account);
    assert_eq!(place.lock().take(), [Change::Cause { account }]);
}
