//! Models with known answers, and what holds for every one of them.

mod recorded;

use super::*;
use proptest::prelude::*;

fn act(busy: i64, resources: &[&str]) -> Act {
    Act {
        busy_micros: busy,
        resources: resources.iter().map(|name| (*name).to_owned()).collect(),
        ..Act::default()
    }
}

/// Jobs of one phase with one track each.
fn recording(lanes: u32, slots: &[(&str, u32)], jobs: Vec<Vec<Act>>) -> Recording {
    let jobs = jobs.into_iter().map(|acts| Job {
        phases: vec![vec![acts]],
        after_micros: 0,
    });
    let slots = slots
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count));
    Recording {
        numbers: Numbers {
            lanes,
            slots: slots.collect(),
            pools: BTreeMap::new(),
        },
        measured_micros: 0,
        around_micros: 0,
        rates: BTreeMap::new(),
        segments: vec![Segment {
            jobs: jobs.collect(),
            ..Segment::default()
        }],
        doubts: Vec::new(),
    }
}

fn micros(recording: &Recording) -> i64 {
    predict(recording, &recording.numbers).micros
}

#[test]
fn one_slot_makes_the_sum_of_all() {
    let jobs = (1..=10).map(|n| vec![act(n * 100, &["geneva"])]).collect();
    let recording = recording(10, &[("geneva", 1)], jobs);
    let found = predict(&recording, &recording.numbers);
    assert_eq!(found.micros, 5_500);
    assert_eq!(
        found.bottleneck,
        Bottleneck::Limit(Limit::Slots("geneva".to_owned()))
    );
    assert_eq!(found.busy[0].permille, 1_000);
    // The n-th waits for all before it: 100 + 300 + … .
    assert_eq!(found.causes[&CauseKind::Slot], 16_500);
    assert_eq!(found.causes[&CauseKind::Running], 5_500);
}

#[test]
fn slots_and_lanes_share_equal_work() {
    for (lanes, slots, rounds) in [(12, 3, 4), (12, 4, 3), (2, 4, 6), (1, 4, 12), (12, 12, 1)] {
        let jobs = (0..12).map(|_| vec![act(1_000, &["geneva"])]).collect();
        let recording = recording(lanes, &[("geneva", slots)], jobs);
        assert_eq!(
            micros(&recording),
            rounds * 1_000,
            "{lanes} lanes, {slots} slots"
        );
    }
}

#[test]
fn few_lanes_are_the_bottleneck_until_the_longest_is() {
    let jobs: Vec<Vec<Act>> = (0..40).map(|_| vec![act(1_000, &[])]).collect();
    let found = predict(
        &recording(10, &[], jobs.clone()),
        &recording(10, &[], jobs.clone()).numbers,
    );
    assert_eq!(found.micros, 4_000);
    assert_eq!(found.bottleneck, Bottleneck::Limit(Limit::Lanes));
    assert_eq!(
        found.causes[&CauseKind::Queued],
        10 * (1_000 + 2_000 + 3_000)
    );
    let all = recording(40, &[], jobs);
    let found = predict(&all, &all.numbers);
    assert_eq!(
        (found.micros, found.bottleneck),
        (1_000, Bottleneck::LongestLane)
    );
}

#[test]
fn the_bottleneck_is_what_it_would_be_over_soonest_without() {
    let of = |lanes: u32, slots: u32| {
        let jobs = (0..8)
            .map(|_| vec![act(200, &[]), act(300, &["feed"])])
            .collect();
        let recording = recording(lanes, &[("feed", slots)], jobs);
        predict(&recording, &recording.numbers).bottleneck
    };
    let feed = Bottleneck::Limit(Limit::Slots("feed".to_owned()));
    assert_eq!(of(2, 2), Bottleneck::Limit(Limit::Lanes));
    assert_eq!(of(8, 2), feed);
    // Lanes are waited for longer here, and more of them would change nothing.
    assert_eq!(of(4, 2), feed);
    assert_eq!(of(8, 8), Bottleneck::LongestLane);
}

#[test]
fn a_phase_waits_for_its_longest_track() {
    let mut recording = recording(1, &[], Vec::new());
    recording.segments[0].jobs = vec![Job {
        phases: vec![
            vec![
                vec![act(300, &[])],
                vec![act(500, &[]), act(200, &[])],
                Vec::new(),
            ],
            vec![vec![Act {
                before_micros: 10,
                ..act(100, &[])
            }]],
        ],
        after_micros: 5,
    }];
    assert_eq!(micros(&recording), 700 + 110 + 5);
}

#[test]
fn a_segment_begins_when_the_one_before_has_ended() {
    let mut recording = recording(2, &[], vec![vec![act(100, &[])], vec![act(900, &[])]]);
    let own = recording.segments[0].jobs[0].clone();
    recording.segments.push(Segment {
        before_micros: 50,
        per_process: true,
        jobs: vec![own],
    });
    recording.around_micros = 7;
    assert_eq!(micros(&recording), 900 + 50 + 100 + 7);
}

#[test]
fn a_rate_lets_one_pass_after_the_other() {
    let jobs = (0..6).map(|_| vec![act(100, &["api"])]).collect();
    let mut recording = recording(6, &[], jobs);
    let rate = Rate {
        burst: 2,
        ..Rate::new(10, crate::definition::RateUnit::Second)
    };
    recording.rates.insert("api".to_owned(), rate);
    // Two at once, then one each tenth of a second.
    assert_eq!(micros(&recording), 400_100);
}

#[test]
fn connections_are_waited_for() {
    let jobs = (0..6)
        .map(|_| {
            vec![Act {
                target: Some("warehouse".to_owned()),
                ..act(100, &[])
            }]
        })
        .collect();
    let mut recording = recording(6, &[], jobs);
    recording.numbers.pools.insert("warehouse".to_owned(), 2);
    let found = predict(&recording, &recording.numbers);
    assert_eq!(found.micros, 300);
    assert_eq!(
        found.bottleneck,
        Bottleneck::Limit(Limit::Pool("warehouse".to_owned()))
    );
}

#[test]
fn who_only_waits_holds_no_lane() {
    let waits = Act {
        parks: true,
        ..act(1_000, &[])
    };
    let jobs = (0..5).map(|_| vec![waits.clone(), act(10, &[])]).collect();
    let recording = recording(1, &[], jobs);
    let found = predict(&recording, &recording.numbers);
    assert_eq!(found.micros, 1_050);
    assert_eq!(found.causes[&CauseKind::Timer], 5_000);
}

#[test]
fn how_near_the_model_is_is_told() {
    let mut recording = recording(1, &[], vec![vec![act(900, &[])]]);
    recording.measured_micros = 1_000;
    let near = check(&recording);
    assert_eq!((near.off_permille, near.is_near()), (100, true));
    recording.measured_micros = 2_000;
    assert!(!check(&recording).is_near());
}

fn one(execution: i64, stage: &str, began: i64, waited: bool, deadlocked: bool) -> Use {
    Use {
        execution,
        stage: stage.to_owned(),
        began,
        ended: began + 10,
        deadlocked,
        waited,
    }
}

#[test]
fn a_pair_is_named_with_its_evidence() {
    let mut uses = Vec::new();
    for n in 0..20 {
        // Beside `load`, `sum` waits or is a victim in most cases; alone it never is.
        uses.push(one(2 * n, "sum", n * 100, n % 4 != 0, n % 4 == 1));
        uses.push(one(2 * n + 1, "load", n * 100 + 5, false, false));
        uses.push(one(2 * n, "sum", n * 100 + 50, false, false));
        uses.push(one(2 * n + 1, "tell", n * 100 + 52, false, false));
    }
    let found = pairs(&uses);
    assert_eq!(found.len(), 1, "{found:?}");
    let pair = &found[0];
    assert_eq!((pair.stage.as_str(), pair.other.as_str()), ("sum", "load"));
    assert_eq!((pair.overlapped, pair.waited, pair.deadlocked), (20, 10, 5));
    assert_eq!((pair.apart, pair.apart_troubled), (20, 0));
    assert!(pair.chance < 0.001);
}

#[test]
fn what_is_troubled_alone_as_well_is_no_pair() {
    let mut uses = Vec::new();
    for n in 0..20 {
        uses.push(one(2 * n, "sum", n * 100, n % 2 == 0, false));
        uses.push(one(2 * n + 1, "load", n * 100 + 5, false, false));
        uses.push(one(2 * n, "sum", n * 100 + 50, n % 2 == 0, false));
    }
    assert_eq!(pairs(&uses), []);
    // Nor is what overlaps within one execution.
    let own: Vec<Use> = (0..20)
        .flat_map(|n| {
            [
                one(n, "sum", n * 100, n % 2 == 0, false),
                one(n, "load", n * 100 + 5, false, false),
            ]
        })
        .collect();
    assert_eq!(pairs(&own), []);
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let resource = prop::sample::subsequence(vec!["a", "b"], 0..=2);
    let one = (0..50_i64, 0..200_i64, resource).prop_map(|(before, busy, resources)| Act {
        before_micros: before,
        ..act(busy, &resources)
    });
    prop::collection::vec(one, 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Work is neither lost nor made: never below the bounds that no order can pass, never above one after the other.
    #[test]
    fn a_prediction_keeps_its_bounds(
        jobs in prop::collection::vec(acts(), 1..20),
        lanes in 1_u32..12,
        slots in 1_u32..5,
    ) {
        let recording = recording(lanes, &[("a", slots), ("b", 1)], jobs.clone());
        let found = predict(&recording, &recording.numbers);
        let length = |acts: &Vec<Act>| acts.iter().map(|act| act.before_micros + act.busy_micros).sum::<i64>();
        let all: i64 = jobs.iter().map(length).sum();
        let longest = jobs.iter().map(length).max().unwrap_or(0);
        let uses = |name: &str| jobs.iter().flatten()
            .filter(|act| act.resources.iter().any(|one| one == name))
            .map(|act| act.busy_micros).sum::<i64>();
        prop_assert!(found.micros <= all);
        prop_assert!(found.micros >= longest);
        prop_assert!(found.micros >= all / i64::from(lanes));
        prop_assert!(found.micros >= uses("b"));
        prop_assert!(found.micros >= uses("a") / i64::from(slots));
        prop_assert_eq!(found.causes.get(&CauseKind::Running).copied().unwrap_or(0), all);
        prop_assert!(found.busy.iter().all(|one| one.permille <= 1_000));
        prop_assert_eq!(&found, &predict(&recording, &recording.numbers));
    }
}
