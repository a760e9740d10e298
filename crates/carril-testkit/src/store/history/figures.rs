//! The figures of a process: every failed attempt of every run, once, by its codes.

use super::{House, failed};
use crate::store::step_end;
use carril_model::contract::{ErrorClass, ProcessChange, Rerun, StepEnd, StepError};
use carril_model::figures::{FailedAttempts, Figures};
use carril_model::id::{Run, StepId};
use carril_model::state::{ExecutionState, ProcessState, StepState};

fn with(end: StepEnd, code: &str, native: Option<&str>) -> StepEnd {
    let mut error = StepError::new(code, ErrorClass::Transient, "it was busy");
    error.native = native.map(str::to_owned);
    StepEnd {
        error: Some(error),
        ..end
    }
}

fn group(code: &str, native: Option<&str>, attempts: u64, retried: u64) -> FailedAttempts {
    FailedAttempts {
        code: code.to_owned(),
        native: native.map(str::to_owned),
        attempts,
        retried,
    }
}

/// Two attempts that were busy, then a fallback that stood in for a third; another lane times out; a retry takes the fallback over
/// and fails anew. Another process has failures of its own.
pub fn failed_attempts_are_counted_once_over_all_runs(house: &mut House) {
    let (process, claimed) = house.harness.running(2);
    let now = house.harness.now();
    let busy = |attempt, retry| StepEnd {
        attempt,
        failures: attempt,
        retry_at: retry,
        ..with(
            failed(0, ErrorClass::Transient, now, now),
            "CAR0502",
            Some("5"),
        )
    };
    house.end(&claimed[0], busy(1, Some(now)));
    house.end(&claimed[0], busy(2, Some(now)));
    let stood_in = StepEnd {
        attempt: 3,
        failures: 3,
        state: StepState::Succeeded,
        fallback: true,
        ..with(step_end(0, now, now), "CAR0502", Some("5"))
    };
    house.end(&claimed[0], stood_in);
    let timed_out = with(failed(1, ErrorClass::Transient, now, now), "CAR0503", None);
    house.end(&claimed[0], timed_out.clone());
    house.end(&claimed[1], timed_out);
    house.harness.settle(&claimed, ExecutionState::Failed);
    house.harness.change(ProcessChange::Settle {
        process,
        state: ProcessState::CompletedWithErrors,
        reason: None,
        at: now,
    });
    let (_, others) = house.harness.running(1);
    house.end(&others[0], failed(0, ErrorClass::Permanent, now, now));
    house.harness.settle(&others, ExecutionState::Failed);
    let told = |house: &House| {
        let told = house.harness.wait(house.history.failed_attempts(process));
        told.expect("it can be asked")
    };
    let mut expected = vec![
        group("CAR0502", Some("5"), 3, 2),
        group("CAR0503", None, 2, 0),
    ];
    assert_eq!(told(house), expected);

    let reruns = [Rerun {
        execution: claimed[0].owned.execution,
        expected: Run(1),
        segment: 0,
        carried: vec![StepId(0)],
    }];
    let begun = house.harness.store().rerun(process, &reruns, now);
    house.harness.wait(begun).expect("it runs again");
    let next = house.harness.claim(process, 1);
    house.harness.tick(1);
    house.end(
        &next[0],
        with(
            failed(1, ErrorClass::Transient, now, now),
            "CAR0502",
            Some("517"),
        ),
    );
    expected.push(group("CAR0502", Some("517"), 1, 0));
    assert_eq!(told(house), expected);
    let figures = Figures::of(&told(house));
    assert_eq!(
        (figures.lock_timeouts, figures.timeouts, figures.retries),
        (4, 2, 2)
    );
}
