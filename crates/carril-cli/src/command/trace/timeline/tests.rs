//! The timeline for people.

use super::drawn;
use carril::model::contract::TimelineRow;
use carril::model::id::ExecutionId;
use carril::model::state::StepState;
use carril::model::time::Timestamp;

fn row(
    execution: i64,
    entity: Option<&str>,
    stage: &str,
    began: i64,
    ended: Option<i64>,
) -> TimelineRow {
    TimelineRow {
        execution: ExecutionId(execution),
        entity: entity.map(str::to_owned),
        stage: stage.to_owned(),
        began: Timestamp(began),
        ended: ended.map(Timestamp),
        busy_micros: 0,
        state: if ended.is_some() {
            StepState::Succeeded
        } else {
            StepState::Running
        },
    }
}

#[test]
fn one_line_an_execution_and_a_letter_a_stage() {
    let rows = [
        row(3, Some("ALDER"), "extract", 0, Some(30_000)),
        row(3, Some("ALDER"), "report", 30_000, Some(45_000)),
        row(4, Some("BIRCH"), "extract", 15_000, None),
        row(5, None, "cube", 60_000, Some(60_000)),
    ];
    let text = anstream::adapter::strip_str(&drawn(&rows, 50, Timestamp(60_000)).0).to_string();
    let expected = [
        "a extract  b report  c cube".to_owned(),
        format!(
            "ENTITY                         ID  |0 s{}60 ms|",
            " ".repeat(52)
        ),
        format!(
            "ALDER                           3  |{}{}{}|  45 ms",
            "a".repeat(30),
            "b".repeat(15),
            " ".repeat(15)
        ),
        format!(
            "BIRCH                           4  |{}{}|  45 ms",
            " ".repeat(15),
            "a".repeat(45)
        ),
        format!(
            "(process)                       5  |{}c|  0 s",
            " ".repeat(59)
        ),
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn the_limit_counts_lines() {
    let rows: Vec<TimelineRow> = (0..9)
        .map(|at| row(at, Some("X"), "a", at, Some(at + 1)))
        .collect();
    let (text, more) = drawn(&rows, 4, Timestamp(9));
    assert_eq!((text.lines().count(), more), (2 + 4, true));
    assert!(!drawn(&rows, 9, Timestamp(9)).1);
}
