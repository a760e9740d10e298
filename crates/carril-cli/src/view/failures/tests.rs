//! A few failures are told one by one.

use super::{Failures, TOLD_MAX};
use carril::event::Event;
use carril::model::id::{ExecutionId, ProcessId};
use carril::model::state::{ExecutionState, StepState};
use carril::model::time::Timestamp;
use std::sync::Arc;

fn step(execution: i64, error: &str) -> Event {
    Event::Step {
        process: ProcessId(1),
        execution: ExecutionId(execution),
        step: "report/row".to_owned(),
        attempt: 1,
        state: StepState::Failed,
        error: Some(error.to_owned()),
        code: Some("CAR0501".to_owned()),
        at: Timestamp(0),
    }
}

fn settled(execution: i64, state: ExecutionState) -> Event {
    Event::Settled {
        process: ProcessId(1),
        execution: ExecutionId(execution),
        entity: Some(Arc::from("ALDER")),
        state,
        at: Timestamp(0),
    }
}

fn plain(text: Option<String>) -> Option<String> {
    text.map(|text| anstream::adapter::strip_str(&text).to_string())
}

#[test]
fn a_failure_is_told_when_its_execution_settles() {
    let mut failures = Failures::default();
    assert_eq!(
        failures.event(&step(7, "no such column: x [CAR0501]")),
        None
    );
    let told = plain(failures.event(&settled(7, ExecutionState::Failed)));
    assert_eq!(
        told.as_deref(),
        Some("failed ALDER (execution 7): report/row: no such column: x [CAR0501]")
    );
}

#[test]
fn a_step_that_failed_and_succeeded_later_is_no_failure() {
    let mut failures = Failures::default();
    failures.event(&step(7, "busy"));
    assert_eq!(failures.event(&settled(7, ExecutionState::Succeeded)), None);
    assert_eq!(
        plain(failures.event(&settled(7, ExecutionState::Failed))).as_deref(),
        Some("failed ALDER (execution 7)")
    );
}

#[test]
fn thousands_of_failures_are_not_told_one_by_one() {
    let mut failures = Failures::default();
    let told = (0..1_000)
        .filter_map(|at| failures.event(&settled(at, ExecutionState::Failed)))
        .count();
    assert_eq!(told, TOLD_MAX as usize + 1);
}
