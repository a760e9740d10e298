//! Comparisons against a slow and plain reading of the rule, and the cases that people will ask about.

use super::*;
use crate::contract::Tally;
use crate::state::ProcessState;
use proptest::prelude::*;
use serde_json::Map;
use std::collections::BTreeMap;

const HOUR: i64 = 3_600_000_000;

/// 100 entities in 100 s.
fn baseline() -> Baseline {
    Baseline {
        pipeline: "sizes".to_owned(),
        process: ProcessId(10),
        version: Version("abc".to_owned()),
        entities: 100,
        worked_micros: 100_000_000,
        set_by: "ada".to_owned(),
        set_at: Timestamp(0),
    }
}

/// A run that ended at an hour, with as many entities, in so many percent of the baseline's time for them.
fn run(process: i64, hour: i64, entities: u64, percent: i64) -> PastRun {
    PastRun {
        process: ProcessId(process),
        ended_at: Timestamp(hour * HOUR),
        entities,
        worked_micros: 10_000 * percent * i64::try_from(entities).unwrap(),
    }
}

fn at(hour: i64) -> Timestamp {
    Timestamp(hour * HOUR)
}

#[test]
fn a_fifth_slower_is_slow() {
    let cases = [
        (100, false),
        (119, false),
        (120, true),
        (300, true),
        (10, false),
    ];
    for (percent, slow) in cases {
        let told = compare(&baseline(), &[run(11, 1, 100, percent)], at(2));
        let ratio = u64::try_from(percent).unwrap() * 10;
        assert_eq!(told.run, Some((ProcessId(11), ratio)));
        assert_eq!((told.mean, told.mean_runs), (Some(ratio), 1));
        let flags = (told.is_run_slow(), told.is_mean_slow(), told.is_alert());
        assert_eq!(flags, (slow, slow, slow), "{percent} %");
    }
}

#[test]
fn runs_of_another_size_and_those_before_it_say_nothing() {
    let slow = |process, entities| run(process, 1, entities, 500);
    let silent = [slow(10, 100), slow(9, 100), slow(12, 49), slow(13, 201)];
    assert_eq!(compare(&baseline(), &silent, at(2)), Comparison::default());
    for entities in [50, 200] {
        let told = compare(&baseline(), &[slow(11, entities)], at(2));
        assert!(told.is_alert(), "{entities}");
    }
    assert_eq!(
        compare(&baseline(), &[slow(11, 100)], at(0)),
        Comparison::default()
    );
}

#[test]
fn an_alert_lasts_from_its_first_slow_run_and_is_escalated_after_two_days() {
    let runs = [
        run(11, 0, 100, 100),
        run(12, 10, 100, 130),
        run(13, 20, 100, 140),
    ];
    let told = compare(&baseline(), &runs, at(57));
    assert_eq!((told.slow_since, told.escalated), (Some(at(10)), false));
    let told = compare(&baseline(), &runs, at(58));
    assert_eq!((told.slow_since, told.escalated), (Some(at(10)), true));
    // A run that is quick again ends the alert of the runs; the mean is within the fifth as well.
    let mended = [runs.as_slice(), &[run(14, 59, 100, 60)]].concat();
    let told = compare(&baseline(), &mended, at(60));
    assert_eq!((told.slow_since, told.escalated), (None, false));
    assert_eq!(told.mean, Some(1_075));
}

#[test]
fn a_slow_mean_is_an_alert_although_the_last_run_was_quick() {
    let runs = [
        run(11, 0, 100, 200),
        run(12, 1, 100, 200),
        run(13, 2, 100, 90),
    ];
    let told = compare(&baseline(), &runs, at(3));
    assert_eq!((told.is_run_slow(), told.is_mean_slow()), (false, true));
    assert_eq!((told.slow_since, told.mean_runs), (Some(at(0)), 3));
    assert!(!told.escalated);
    assert!(compare(&baseline(), &runs, at(48)).escalated);
    // After seven days only the quick one is left, and then nothing at all.
    let told = compare(&baseline(), &runs, at(7 * 24 + 1));
    assert_eq!((told.mean, told.slow_since), (Some(900), None));
    let told = compare(&baseline(), &runs, at(7 * 24 + 2));
    assert_eq!(
        (told.mean, told.mean_runs, told.slow_since),
        (None, 0, None)
    );
}

#[test]
fn a_slow_run_stays_an_alert_when_it_has_left_the_mean() {
    let told = compare(&baseline(), &[run(11, 0, 100, 200)], at(1_000));
    assert_eq!(
        (told.mean, told.slow_since, told.escalated),
        (None, Some(at(0)), true)
    );
}

#[test]
fn only_what_has_ended_with_entities_through_makes_a_baseline() {
    let mut row = ProcessRow {
        id: ProcessId(3),
        pipeline: "sizes".to_owned(),
        version: Version("abc".to_owned()),
        params: Map::new(),
        state: ProcessState::Running,
        reason: None,
        cancelling: None,
        reopened: false,
        segment: 0,
        open: 0,
        waiting: 0,
        lanes: 1,
        priority: 0,
        after: None,
        own: None,
        own_state: None,
        own_segment: None,
        tally: Tally {
            total: 6,
            succeeded: 1,
            failed: 1,
            skipped: 1,
            cancelled: 1,
            rolled_back: 2,
        },
        targets: BTreeMap::new(),
        folder: None,
        launched_by: "ada".to_owned(),
        launched_at: Timestamp(1),
        ended_at: None,
    };
    let made = Baseline::of(&row, 7, "ada", Timestamp(9));
    assert!(made.is_err_and(|why| why.starts_with("process 3 is running;")));
    row.state = ProcessState::CompletedWithErrors;
    row.ended_at = Some(Timestamp(8));
    let made = Baseline::of(&row, 7, "ada", Timestamp(9)).unwrap();
    assert_eq!(
        (made.entities, made.worked_micros, made.set_at),
        (3, 7, Timestamp(9))
    );
    row.tally = Tally {
        total: 2,
        rolled_back: 2,
        ..Tally::default()
    };
    assert!(Baseline::of(&row, 7, "ada", Timestamp(9)).is_err());
}

/// The mean at a time, as the rule says it.
fn plain_mean(runs: &[PastRun], now: Timestamp) -> Option<u64> {
    let week = 7 * 24 * HOUR;
    let inside = runs
        .iter()
        .filter(|run| run.ended_at <= now && run.ended_at.0 > now.0 - week);
    let (worked, entities) = inside.fold((0, 0), |(worked, entities), run| {
        (worked + run.worked_micros, entities + run.entities)
    });
    // The baseline takes a second for each entity.
    (entities > 0).then(|| u64::try_from(worked).unwrap() * 1_000 / (entities * 1_000_000))
}

proptest! {
    #[test]
    fn comparisons_say_what_the_rule_says(
        made in prop::collection::vec((0i64..400, 50u64..200, 50i64..250), 0..12),
        now in 0i64..600,
    ) {
        let runs: Vec<PastRun> = made
            .iter()
            .zip(11..)
            .map(|((hour, entities, percent), process)| run(process, *hour, *entities, *percent))
            .collect();
        let mut ended: Vec<PastRun> = runs.iter().filter(|run| run.ended_at <= at(now)).copied().collect();
        ended.sort_by_key(|run| (run.ended_at, run.process));
        let told = compare(&baseline(), &runs, at(now));
        let ratio = |run: &PastRun| u64::try_from(run.worked_micros).unwrap() * 1_000 / (run.entities * 1_000_000);
        prop_assert_eq!(told.run, ended.last().map(|run| (run.process, ratio(run))));
        prop_assert_eq!(told.mean, plain_mean(&ended, at(now)));
        // Hour by hour backwards: an alert began at the first hour after the last one with a run, or a mean, within the fifth.
        let slow_run = ended.iter().rev().take_while(|run| ratio(run) >= 1_200).last().map(|run| run.ended_at);
        let hours: Vec<i64> = (0..=now).rev().collect();
        let slow_mean = hours
            .iter()
            .filter_map(|hour| Some((at(*hour), plain_mean(&ended, at(*hour))?)))
            .take_while(|(_, mean)| *mean >= 1_200)
            .last()
            .map(|(hour, _)| hour)
            .filter(|_| told.mean.is_some());
        let since = [slow_run, slow_mean].into_iter().flatten().min();
        prop_assert_eq!(told.slow_since, since);
        prop_assert_eq!(told.is_alert(), told.is_run_slow() || told.is_mean_slow());
        prop_assert_eq!(told.escalated, since.is_some_and(|since| now - since.0 / HOUR >= 48));
        let mut turned = runs;
        turned.reverse();
        prop_assert_eq!(compare(&baseline(), &turned, at(now)), told);
    }
}
