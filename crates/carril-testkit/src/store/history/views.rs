//! The documented views: names of states as the model has them, times as text and number, every event of the trace.

use super::{House, failed, rows};
use crate::store::step_end;
use carril_model::account::{Cause, CauseKind};
use carril_model::contract::{Change, ErrorClass, StepEnd};
use carril_model::id::StepId;
use carril_model::state::{ExecutionState, ProcessState, StepState};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Sets a state by force, to see what the view calls it.
fn named(house: &House, table: &str, view: &str, code: i64) -> Value {
    house.raw(&format!("UPDATE {table} SET state = {code}"));
    house.sql(&format!("SELECT DISTINCT state FROM {view}"))[0][0].clone()
}

/// States have the names that the model gives them.
pub fn states_have_the_names_that_the_model_gives_them(house: &mut House) {
    let (_, claimed) = house.harness.running(1);
    let now = house.harness.now();
    house.end(&claimed[0], step_end(0, now, now));
    for state in StepState::ALL {
        assert_eq!(named(house, "step", "steps", state.code()), state.name());
    }
    for state in ExecutionState::ALL {
        assert_eq!(
            named(house, "execution", "executions", state.code()),
            state.name()
        );
    }
    for state in ProcessState::ALL
        .iter()
        .filter(|state| **state != ProcessState::Launching)
    {
        assert_eq!(
            named(house, "process", "processes", state.code()),
            state.name()
        );
    }
}

/// Times are texts in utc and numbers.
pub fn times_are_texts_in_utc_and_numbers(house: &mut House) {
    house.harness.running(1);
    let told = house.sql("SELECT launched_at, launched_at_us FROM processes");
    assert_eq!(
        told,
        [[json!("1970-01-01T00:16:40.000000Z"), json!(1_000_000_000)]]
    );
    let told = house.sql("SELECT started_at, ended_at, account FROM executions");
    assert_eq!(
        told,
        [[
            json!("1970-01-01T00:16:40.000000Z"),
            Value::Null,
            Value::Null
        ]]
    );
}

/// The trace has every event.
pub fn the_trace_has_every_event(house: &mut House) {
    let (process, claimed) = house.harness.running(1);
    let claimed = &claimed[0];
    let at = house.harness.now();
    let end = house.harness.tick(2_500);
    let retry_at = Some(house.harness.tick(100));
    let attempt = |attempt, end| StepEnd { attempt, ..end };
    house.end(
        claimed,
        attempt(
            1,
            StepEnd {
                retry_at,
                ..failed(0, ErrorClass::Transient, at, end)
            },
        ),
    );
    house.end(claimed, attempt(2, failed(0, ErrorClass::Timeout, at, end)));
    house.end(
        claimed,
        attempt(
            3,
            StepEnd {
                fallback: true,
                rows: rows("extract"),
                ..step_end(0, at, end)
            },
        ),
    );
    house.end(
        claimed,
        StepEnd {
            attempt: 0,
            state: StepState::Skipped,
            reason: Some("not today".to_owned()),
            ..step_end(1, at, at)
        },
    );
    let wait = |kind, about: &str| Change::Waited {
        step: Some(StepId(2)),
        cause: Cause::about(kind, about),
        from: at,
        until: end,
        lock: None,
    };
    house
        .harness
        .accept(claimed.owned, wait(CauseKind::Slot, "geneva"));
    house
        .harness
        .accept(claimed.owned, wait(CauseKind::Lock, "positions"));
    let told = house.sql("SELECT event, step, attempt, resource, duration_ms FROM trace ORDER BY step, attempt, event");
    let expected = json!([
        ["ERROR", "first", 1, null, 2.5],
        ["RETRY", "first", 1, null, 0.1],
        ["START", "first", 1, null, null],
        ["START", "first", 2, null, null],
        ["TIMEOUT", "first", 2, null, 2.5],
        ["END", "first", 3, "extract", 2.5],
        ["FALLBACK", "first", 3, "extract", null],
        ["START", "first", 3, "extract", null],
        ["SKIP", "second", 0, null, null],
        ["LOCK", "third", null, "positions", 2.5],
        ["WAIT", "third", null, "geneva", 2.5],
    ]);
    assert_eq!(json!(told), expected);
    let details = house.sql("SELECT details FROM trace WHERE event IN ('END', 'SKIP', 'START') AND attempt IN (0, 3) ORDER BY event");
    let details: Vec<Value> = details
        .iter()
        .map(|row| serde_json::from_str(row[0].as_str().expect("a text")).expect("JSON"))
        .collect();
    assert_eq!(details[0]["rows"][0]["table"], "extract");
    assert_eq!(details[1], json!({"reason": "not today"}));
    assert_eq!(details[2]["entity"], json!({"size": 0}));
    let whose = house
        .sql("SELECT DISTINCT process_id, execution_id, entity_key, run, stage, worker FROM trace");
    assert_eq!(
        whose,
        [[
            json!(process.0),
            json!(claimed.owned.execution.0),
            json!("e00000"),
            json!(1),
            json!("load"),
            json!(1)
        ]]
    );
    assert_eq!(
        house
            .sql("SELECT step, cause, about, duration_us FROM waits ORDER BY cause")
            .len(),
        2
    );
}

/// The names in the first column of the tables under a heading of the reference.
fn documented(reference: &str, view: &str) -> BTreeSet<String> {
    let heading = format!("\n## `{view}`\n");
    let from = reference.find(&heading).expect("the view has a heading") + heading.len();
    let section = reference[from..]
        .split("\n## ")
        .next()
        .expect("there is a text");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let names = cells.flat_map(|cell| {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    names
        .filter(|name| {
            name.chars()
                .all(|letter| letter.is_lowercase() || letter == '_')
        })
        .collect()
}

/// The reference has every column and no other.
pub fn the_reference_has_every_column_and_no_other(house: &mut House) {
    let reference = include_str!("../../../../../docs/reference/store.md");
    for view in [
        "processes",
        "executions",
        "steps",
        "waits",
        "trace",
        "imports",
    ] {
        let asked = format!("SELECT * FROM {view} LIMIT 0");
        let answer = house.harness.wait(house.history.query(&asked, 1));
        let columns = answer.expect("it is answered").columns;
        let columns: BTreeSet<String> = columns.into_iter().collect();
        assert_eq!(documented(reference, view), columns, "view {view}");
    }
}
