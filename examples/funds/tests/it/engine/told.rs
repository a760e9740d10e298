//! What is told afterwards about a process of forty funds, one of which failed: every answer is held against the attempts
//! that the history keeps, or against what the pipeline says.

use super::failing::{block, blocking};
use super::house::{DATE, House, end, executions, roll_back, run};
use carril::model::contract::{AttemptRow, Clock as _, ExecutionRow, ProcessRow, Selection};
use carril::model::id::ExecutionId;
use carril::model::state::{ExecutionState, ProcessState, StepState};
use carril::model::time::Timestamp;
use carril::{Carril, Subject, SystemClock};
use std::collections::BTreeMap;

const FUNDS: u64 = 40;
const MAX: u32 = 100_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_of_a_process_is_what_has_happened() {
    let house = House::generated(u32::try_from(FUNDS).unwrap());
    block(&house, &[117]);
    let pipeline = blocking(&house);
    let carril = house.open().await;
    let process = run(&carril, &pipeline, DATE).await.process;
    assert_eq!(process.state, ProcessState::CompletedWithErrors);
    let rows = executions(&carril, process.id).await;
    assert_eq!(rows.len() as u64, FUNDS + 1, "the process itself is one");
    let mut attempts = Vec::new();
    for row in &rows {
        attempts.extend(carril.history().attempts(row.id, None).await.unwrap());
    }
    check_accounts(&rows);
    check_waits(&carril, &process, &rows).await;
    check_timeline(&carril, &process, &attempts).await;
    check_overlaps(&carril, &process, &attempts).await;
    check_bottlenecks(&house, &carril, &process).await;
    check_reasons(&carril, &process, &rows).await;
    check_after_rollback(&carril, &process, &rows).await;
    end(&carril).await;
}

/// All of an execution's life is charged to something, to the microsecond.
fn check_accounts(rows: &[ExecutionRow]) {
    for row in rows {
        let ended = row.ended_at.expect("it has settled");
        assert_eq!(
            row.account.total_micros(ended),
            ended.micros_since(row.launched_at),
            "execution {} ({:?})",
            row.id,
            row.entity
        );
        assert!(
            row.started_at
                .is_some_and(|started| started >= row.launched_at && started <= ended)
        );
    }
}

async fn check_waits(carril: &Carril, process: &ProcessRow, rows: &[ExecutionRow]) {
    let mut charged = BTreeMap::new();
    for row in rows {
        for (cause, micros) in row.account.sums() {
            let sum = charged.entry(*cause).or_insert((0_u64, 0_i64, 0_i64));
            *sum = (sum.0 + 1, sum.1 + micros, sum.2.max(*micros));
        }
    }
    let waits = carril
        .history()
        .waits(process.id, Timestamp(i64::MAX))
        .await
        .unwrap();
    let told: BTreeMap<_, _> = waits
        .iter()
        .map(|wait| {
            (
                wait.cause,
                (wait.executions, wait.total_micros, wait.max_micros),
            )
        })
        .collect();
    assert_eq!(told, charged);
}

/// A line for each stage that an execution began, from its first step's beginning to its last one's end.
async fn check_timeline(carril: &Carril, process: &ProcessRow, attempts: &[AttemptRow]) {
    let mut wanted: BTreeMap<(ExecutionId, &str), (Timestamp, Option<Timestamp>)> = BTreeMap::new();
    for one in attempts.iter().filter(|one| one.attempt > 0) {
        let line = wanted
            .entry((one.execution, one.stage.as_str()))
            .or_insert((one.began, one.ended));
        *line = (line.0.min(one.began), line.1.max(one.ended));
    }
    let lines = carril.history().timeline(process.id, MAX).await.unwrap();
    let told: BTreeMap<_, _> = lines
        .iter()
        .filter(|line| line.state != StepState::Skipped)
        .map(|line| {
            (
                (line.execution, line.stage.as_str()),
                (line.began, line.ended),
            )
        })
        .collect();
    for (line, times) in &wanted {
        assert_eq!(told.get(line), Some(times), "{line:?}");
    }
    assert_eq!(told.len(), wanted.len());
    let failed: Vec<_> = lines
        .iter()
        .filter(|line| line.state == StepState::Failed)
        .map(|line| (line.entity.as_deref(), line.stage.as_str()))
        .collect();
    assert_eq!(failed, [(Some("117"), "report")]);
}

/// Every overlap that is told is one; and forty lanes that begin at once do meet at the feeds.
async fn check_overlaps(carril: &Carril, process: &ProcessRow, attempts: &[AttemptRow]) {
    let overlaps = carril.history().overlaps(process.id, MAX).await.unwrap();
    let used = |execution: ExecutionId, step: &str| {
        let one = attempts
            .iter()
            .find(|one| one.execution == execution && one.stage == "extract" && one.step == step)
            .expect("it used the feed");
        (one.began, one.ended.expect("it has ended"))
    };
    let mut at_feeds = 0;
    for overlap in &overlaps {
        assert_ne!(overlap.first, overlap.second);
        let step = match overlap.resource.as_str() {
            "geneva" => "ipa",
            feed @ ("capm" | "posmodrf" | "sona" | "derivados" | "ubs") => feed,
            _ => continue,
        };
        let (first, second) = (used(overlap.first, step), used(overlap.second, step));
        let (from, until) = (first.0.max(second.0), first.1.min(second.1));
        assert_eq!(
            (overlap.from, overlap.micros),
            (from, until.micros_since(from)),
            "{overlap:?}"
        );
        at_feeds += 1;
    }
    assert!(at_feeds > 40, "{at_feeds}");
}

/// Each feed was used by those funds that have it, once each.
async fn check_bottlenecks(house: &House, carril: &Carril, process: &ProcessRow) {
    let rows = carril.history().bottlenecks(process.id, MAX).await.unwrap();
    let uses = |resource: &str| {
        rows.iter()
            .find(|row| row.resource == resource)
            .map(|row| row.accesses)
    };
    for feed in ["geneva", "capm", "posmodrf", "sona"] {
        assert_eq!(uses(feed), Some(FUNDS), "{feed}");
    }
    for (feed, flag) in [("ubs", "flag_ubs"), ("derivados", "flag_derivados")] {
        let with: i64 = house.one(&format!("select sum({flag}) from bd_funds"));
        assert_eq!(uses(feed), Some(with.unsigned_abs()), "{feed}");
    }
    assert!(rows.iter().all(|row| row.mean_micros <= row.max_micros));
    assert_eq!(
        rows.iter().map(|row| row.locks).sum::<u64>(),
        0,
        "no lane waits for another's locks"
    );
}

async fn check_reasons(carril: &Carril, process: &ProcessRow, rows: &[ExecutionRow]) {
    let failed = rows
        .iter()
        .find(|row| row.state == ExecutionState::Failed)
        .expect("one has failed");
    assert_eq!(
        (failed.entity.as_deref(), failed.failed_step.as_deref()),
        (Some("117"), Some("report/blocked"))
    );
    assert_eq!(
        failed.error.as_ref().map(|error| error.code.as_ref()),
        Some("CAR0501")
    );
    let told = why(carril, Subject::Number(process.id.0)).await;
    for part in [
        "with errors: 1 of 40 executions failed",
        "(117)",
        "`report/blocked`",
        "NOT NULL",
        "CAR0501",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let told = why(carril, Subject::Entity("117".to_owned())).await;
    assert!(
        told.contains("failed") && told.contains("`report/blocked`"),
        "{told}"
    );
    let told = why(carril, Subject::Entity("118".to_owned())).await;
    assert!(
        told.contains("(118) succeeded") && told.contains("running"),
        "{told}"
    );
}

async fn check_after_rollback(carril: &Carril, process: &ProcessRow, rows: &[ExecutionRow]) {
    let of_118 = rows
        .iter()
        .find(|row| row.entity.as_deref() == Some("118"))
        .expect("it ran");
    roll_back(carril, Selection::Executions(vec![of_118.id])).await;
    let told = why(carril, Subject::Entity("118".to_owned())).await;
    assert!(told.contains("(118) was rolled back"), "{told}");
    let told = why(carril, Subject::Number(process.id.0)).await;
    assert!(
        told.contains("1 of 40 executions failed, 1 rolled back"),
        "{told}"
    );
    let attempts = carril.history().attempts(of_118.id, None).await.unwrap();
    assert!(!attempts.is_empty(), "that it ran is kept");
}

async fn why(carril: &Carril, subject: Subject) -> String {
    let now = SystemClock::new().now();
    carril::why(carril.reader(), &subject, now)
        .await
        .unwrap()
        .sentence
}
