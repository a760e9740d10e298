//! What is suggested fits how the process stands, in every state there is.

use super::{Standing, next};
use carril::model::id::ProcessId;
use carril::model::state::ProcessState;

fn standing(state: ProcessState) -> Standing<'static> {
    Standing {
        process: ProcessId(9),
        state,
        waiting: 0,
        failed: 0,
        cancelled: 0,
        example: None,
        printed: false,
        slowest: None,
        at: "",
    }
}

#[track_caller]
fn check(standing: &Standing<'_>, expected: &[&str]) {
    let told: Vec<String> = next(standing)
        .into_iter()
        .map(|(command, _)| command)
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn what_succeeded_can_be_looked_at_and_undone() {
    let mut of = standing(ProcessState::Succeeded);
    of.slowest = Some((12, "F 1"));
    check(
        &of,
        &[
            "carril why 12",
            "carril show 9",
            "carril trace timeline 9",
            "carril trace bottlenecks 9",
            "carril rollback --process 9 --entity 'F 1'",
            "carril rollback 9",
        ],
    );
}

#[test]
fn what_failed_is_explained_and_retried_and_no_lane_that_did_well_is_undone() {
    let mut of = standing(ProcessState::CompletedWithErrors);
    (of.failed, of.example, of.slowest) = (2, Some(14), Some((12, "F1")));
    (of.printed, of.at) = (true, " --store other.db");
    check(
        &of,
        &[
            "carril why 14 --store other.db",
            "carril logs 14 --store other.db",
            "carril retry 9 --failed --store other.db",
            "carril show 9 --store other.db",
            "carril trace timeline 9 --store other.db",
            "carril rollback 9 --store other.db",
        ],
    );
}

#[test]
fn what_was_cancelled_is_run_again_and_has_no_slowest_lane() {
    let mut of = standing(ProcessState::Cancelled);
    of.cancelled = 6;
    let retried = next(&of).swap_remove(0);
    assert_eq!(
        retried,
        (
            "carril retry 9 --failed".to_owned(),
            "run the cancelled ones again"
        )
    );
    // Nothing of it can be retried: only its look and its way back are left.
    of.cancelled = 0;
    assert_eq!(next(&of)[0].0, "carril show 9");
}

#[test]
fn what_is_not_over_is_neither_undone_nor_retried() {
    let mut of = standing(ProcessState::Running);
    of.waiting = 3;
    check(
        &of,
        &[
            "carril why 9",
            "carril show 9 --state waiting",
            "carril top 9",
            "carril show 9",
            "carril cancel 9",
        ],
    );
    check(
        &standing(ProcessState::Paused),
        &["carril resume 9", "carril show 9", "carril cancel 9"],
    );
    check(
        &standing(ProcessState::RolledBack),
        &["carril retry 9", "carril show 9"],
    );
}
