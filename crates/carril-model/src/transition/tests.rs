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
    let head = "# States\n\nMade from the transition table in `carril-model` by its test; do not edit. A column is a state, a row an event, a cell the state\nthat follows; an empty cell cannot happen. `carril show` and `carril ps` tell states, `carril why` what is behind them.\n\n";
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
    let parts = [
        (
            process,
            meanings("state", ProcessState::ALL, ProcessState::name, of_process),
            meanings(
                "event",
                ProcessEvent::ALL,
                ProcessEvent::name,
                process_event,
            ),
        ),
        (
            execution,
            meanings(
                "state",
                ExecutionState::ALL,
                ExecutionState::name,
                of_execution,
            ),
            meanings(
                "event",
                ExecutionEvent::ALL,
                ExecutionEvent::name,
                execution_event,
            ),
        ),
        (
            step,
            meanings("state", StepState::ALL, StepState::name, of_step),
            meanings("event", StepEvent::ALL, StepEvent::name, step_event),
        ),
    ];
    let parts = parts.map(|(table, states, events)| format!("{table}\n{states}\n{events}"));
    format!("{head}{}", parts.join("\n"))
}

fn meanings<S: Copy>(
    what: &str,
    states: &[S],
    name: fn(S) -> &'static str,
    meaning: fn(S) -> &'static str,
) -> String {
    let mut out = format!("| {what} | means |\n|---|---|\n");
    for state in states {
        let _ = writeln!(out, "| {} | {} |", name(*state), meaning(*state));
    }
    out
}

const fn of_process(state: ProcessState) -> &'static str {
    match state {
        ProcessState::Launching => {
            "its executions are being written; nobody lists it, and one that is not finished is removed"
        }
        ProcessState::Running => "its lanes run, or wait to",
        ProcessState::Paused => {
            "nothing more of it begins until `carril resume`; steps that ran then were finished"
        }
        ProcessState::Succeeded => "every execution succeeded or was skipped",
        ProcessState::CompletedWithErrors => {
            "every execution has settled, and some failed or were cancelled"
        }
        ProcessState::Failed => "a critical per-process stage failed, or `abort_when` stopped it",
        ProcessState::Cancelled => "somebody cancelled it, or a launch that replaced it",
        ProcessState::RolledBack => {
            "every execution of it was rolled back; `carril retry` runs it again from the beginning"
        }
    }
}

const fn of_execution(state: ExecutionState) -> &'static str {
    match state {
        ExecutionState::Pending => "ready for a lane, or behind an earlier one of its lane key",
        ExecutionState::Running => "in a lane; what it waits for there is its cause",
        ExecutionState::Waiting => {
            "parked, without lane, connection and memory: a barrier, a time, a signal or an answer wakes it"
        }
        ExecutionState::Succeeded => {
            "all its stages are done; steps that are not critical may have failed"
        }
        ExecutionState::Failed => "a critical step failed",
        ExecutionState::Skipped => "every step of it was skipped",
        ExecutionState::Cancelled => {
            "stopped by a person, a policy, or a launch that replaced its process"
        }
        ExecutionState::RolledBack => {
            "what it published and its workspace were removed; that it ran is remembered"
        }
    }
}

const fn of_step(state: StepState) -> &'static str {
    match state {
        StepState::Pending => "not begun",
        StepState::Running => "an attempt is under way",
        StepState::Succeeded => "its effect is there and recorded, be it by its fallback",
        StepState::Failed => "the attempt failed; of a step, all its attempts did",
        StepState::Skipped => {
            "not run, for a reason that is kept: a `when`, or that it only stands in for another"
        }
        StepState::Cancelled => "stopped before it had an outcome",
        StepState::Interrupted => {
            "its engine went away, or handed it back: no failure, and tried again"
        }
        StepState::Waiting => "its time, its signal or an answer has not come yet",
    }
}

const fn process_event(event: ProcessEvent) -> &'static str {
    match event {
        ProcessEvent::Open => "the launch is written whole",
        ProcessEvent::Succeed => "nothing is left to do, and nothing failed",
        ProcessEvent::CompleteWithErrors => {
            "nothing is left to do, and some lanes failed or were cancelled"
        }
        ProcessEvent::Fail => "a per-process stage failed, or too many lanes did",
        ProcessEvent::Cancel => {
            "`carril cancel`, `--timeout`, or a launch with `cancel_running`; its lanes have stopped"
        }
        ProcessEvent::RollBack => "its last execution was rolled back",
        ProcessEvent::Reopen => {
            "`carril retry`, or a rollback after which stages of the process itself run again"
        }
        ProcessEvent::Pause => "`carril pause`",
        ProcessEvent::Resume => "`carril resume`",
    }
}

const fn execution_event(event: ExecutionEvent) -> &'static str {
    match event {
        ExecutionEvent::Claim => "it gets a lane",
        ExecutionEvent::Park => {
            "it has done its part and others have not, or all that it has left to do is to wait"
        }
        ExecutionEvent::Wake => "what it waited for is there",
        ExecutionEvent::Release => "its engine ends or is gone, or its process is paused",
        ExecutionEvent::Succeed => "its last stage is done",
        ExecutionEvent::Fail => "a critical step failed for good",
        ExecutionEvent::Skip => "every step of it was skipped",
        ExecutionEvent::Cancel => "it was stopped",
        ExecutionEvent::RollBack => "`carril rollback`: nothing of what it published is left",
        ExecutionEvent::Rerun => "`carril retry`: its next run",
    }
}

const fn step_event(event: StepEvent) -> &'static str {
    match event {
        StepEvent::Begin => "an attempt has passed its limits",
        StepEvent::Wait => "it is reached, and what it waits for is not there",
        StepEvent::Succeed => "an attempt had its effect, a wait is over, or a fallback stood in",
        StepEvent::Retry => "an attempt failed, and another follows",
        StepEvent::Fail => "an attempt failed, and none follows",
        StepEvent::Skip => "a condition says that it is not wanted",
        StepEvent::Cancel => "it was stopped",
        StepEvent::Interrupt => "its engine is gone, or handed it back",
    }
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
