//! Renders the three tables into the reference and compares; checks what must hold of any such table.

use super::*;
use std::fmt::Write as _;

/// How a state and an event are called.
type Names<S, E> = (fn(S) -> &'static str, fn(E) -> &'static str);

fn table<S: Copy, E: Copy>(
    title: &str,
    states: &[S],
    events: &[E],
    names: Names<S, E>,
    next: fn(S, E) -> Result<S, Illegal>,
) -> String {
    let mut out = format!("## {title}\n\n| event |");
    for state in states {
        let _ = write!(out, " {} |", names.0(*state));
    }
    out.push_str("\n|---|");
    out.push_str(&"---|".repeat(states.len()));
    out.push('\n');
    for event in events {
        let _ = write!(out, "| {} |", names.1(*event));
        for state in states {
            let _ = write!(out, " {} |", next(*state, *event).map_or("", names.0));
        }
        out.push('\n');
    }
    out
}

fn rendered() -> String {
    let head = "# States\n\nMade from the transition table in `carril-model` by its test; do not edit. A column is a state, a row an event, a cell the state\nthat follows; an empty cell cannot happen.\n\n";
    let execution = table(
        "Execution",
        ExecutionState::ALL,
        ExecutionEvent::ALL,
        (ExecutionState::name, ExecutionEvent::name),
        execution,
    );
    let process = table(
        "Process",
        ProcessState::ALL,
        ProcessEvent::ALL,
        (ProcessState::name, ProcessEvent::name),
        process,
    );
    let step = table(
        "Step",
        StepState::ALL,
        StepEvent::ALL,
        (StepState::name, StepEvent::name),
        step,
    );
    format!("{head}{process}\n{execution}\n{step}")
}

#[test]
fn the_reference_shows_this_table() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/states.md"
    );
    let wanted = rendered();
    if std::env::var_os("CARRIL_BLESS").is_some() {
        std::fs::write(path, &wanted).expect("the page can be written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        found, wanted,
        "docs/reference/states.md is stale: run this test with CARRIL_BLESS=1"
    );
}

#[test]
fn a_settled_execution_only_leaves_by_rollback_or_rerun() {
    for state in ExecutionState::ALL
        .iter()
        .filter(|state| state.is_settled())
    {
        for event in ExecutionEvent::ALL {
            if execution(*state, *event).is_ok() {
                assert!(
                    matches!(event, ExecutionEvent::RollBack | ExecutionEvent::Rerun),
                    "{state} {event:?}"
                );
            }
        }
    }
}

#[test]
fn every_state_can_be_reached_and_an_unsettled_one_can_end() {
    for goal in ExecutionState::ALL
        .iter()
        .filter(|state| **state != ExecutionState::Pending)
    {
        assert!(
            ExecutionState::ALL.iter().any(|from| ExecutionEvent::ALL
                .iter()
                .any(|event| execution(*from, *event) == Ok(*goal))),
            "{goal}"
        );
    }
    for state in ExecutionState::ALL
        .iter()
        .filter(|state| !state.is_settled())
    {
        assert!(execution(*state, ExecutionEvent::Cancel).is_ok(), "{state}");
    }
}
