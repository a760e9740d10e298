//! What events come to, as a scrape tells it.

use super::{Metrics, STEPS_MAX};
use carril::event::{Event, Rail};
use carril::model::id::{ExecutionId, ProcessId, Run};
use carril::model::state::{ExecutionState, StepState};
use carril::model::time::Timestamp;
use prometheus_client::encoding::text::encode;

fn told(metrics: &Metrics) -> String {
    let mut text = String::new();
    encode(&mut text, &metrics.registry).expect("a text takes all");
    text
}

fn step(step: &str, attempt: u32, code: Option<&str>) -> Event {
    Event::Step {
        process: ProcessId(1),
        execution: ExecutionId(2),
        step: step.to_owned(),
        attempt,
        state: code.map_or(StepState::Succeeded, |_| StepState::Failed),
        error: code.map(|code| format!("too late [{code}]")),
        code: code.map(str::to_owned),
        at: Timestamp(5),
    }
}

fn started(at: i64) -> Event {
    Event::Started {
        process: ProcessId(1),
        execution: ExecutionId(2),
        run: Run(1),
        entity: None,
        at: Timestamp(at),
    }
}

#[test]
fn retries_and_timeouts_are_counted_by_step() {
    let metrics = Metrics::new();
    metrics.event(&step("extract/ipa", 1, Some("CAR0503")));
    metrics.event(&step("extract/ipa", 2, Some("CAR0515")));
    metrics.event(&step("extract/ipa", 3, Some("CAR0501")));
    metrics.event(&step("extract/ubs", 1, None));
    let told = told(&metrics);
    for line in [
        "carril_retries_total{step=\"extract/ipa\"} 2",
        "carril_timeouts_total{step=\"extract/ipa\"} 2",
        "carril_attempts_total{state=\"failed\"} 3",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    assert!(!told.contains("extract/ubs"), "{told}");
}

#[test]
fn an_execution_lasts_from_its_first_lane() {
    let metrics = Metrics::new();
    metrics.event(&started(1_000_000));
    metrics.event(&started(9_000_000));
    let settled = Event::Settled {
        process: ProcessId(1),
        execution: ExecutionId(2),
        entity: None,
        state: ExecutionState::Succeeded,
        at: Timestamp(11_000_000),
    };
    metrics.event(&settled);
    metrics.event(&settled);
    let told = told(&metrics);
    assert!(told.contains("carril_execution_seconds_sum 10.0"), "{told}");
    assert!(told.contains("carril_execution_seconds_count 1"), "{told}");
}

#[test]
fn alerts_are_there_before_the_first() {
    let metrics = Metrics::new();
    assert!(told(&metrics).contains("carril_alerts_total{rail=\"bad_version\"} 0"));
    metrics.event(&Event::Alert {
        rail: Rail::BadVersion,
        process: None,
        pipeline: "funds".to_owned(),
        message: "it is bad".to_owned(),
        at: Timestamp(1),
    });
    assert!(told(&metrics).contains("carril_alerts_total{rail=\"bad_version\"} 1"));
}

#[test]
fn no_number_of_steps_fills_the_memory() {
    let metrics = Metrics::new();
    for at in 0..STEPS_MAX + 5 {
        metrics.event(&step(&format!("stage/step{at}"), 2, None));
    }
    let told = told(&metrics);
    let labels = told.matches("carril_retries_total{").count();
    assert_eq!(labels, STEPS_MAX + 1);
    assert!(
        told.contains("carril_retries_total{step=\"others\"} 5"),
        "{told}"
    );
}
