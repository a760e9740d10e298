//! The controller against targets whose best concurrency is known, and what it must never do whatever it is told.

use super::{AUTO_MAX, Controller, LanesReason, Seen, Window, beginning, is_conflict};
use crate::contract::{ErrorClass, StepError};
use crate::id::StepId;
use crate::load::{ENTRY, Files, parse};
use crate::plan::Plan;
use crate::retry::mix;
use proptest::prelude::*;

/// Time of a step alone on the target, in microseconds.
const ALONE: f64 = 20_000.0;
const MOST: u32 = 200;

/// A target: how many times as long as alone a step takes with so many lanes, what part of the rest is waiting for locks, and how
/// many attempts of a thousand end in a deadlock.
#[derive(Clone, Copy)]
struct Server {
    slowness: fn(f64) -> f64,
    locks: f64,
    deadlocks: fn(f64) -> f64,
}

const fn no_deadlocks(_: f64) -> f64 {
    0.0
}

/// So many work at once; the others queue.
const FLAT_AT_40: Server = Server {
    slowness: |lanes| (lanes / 40.0).max(1.0),
    locks: 0.0,
    deadlocks: no_deadlocks,
};
const FLAT_AT_4: Server = Server {
    slowness: |lanes| (lanes / 4.0).max(1.0),
    locks: 0.0,
    deadlocks: no_deadlocks,
};
/// Gunther's universal scalability law: its throughput has its peak at 22 lanes and falls beyond.
const SCALES_TO_22: Server = Server {
    slowness: |lanes| 1.0 + 0.05 * (lanes - 1.0) + 0.002 * lanes * (lanes - 1.0),
    locks: 0.0,
    deadlocks: no_deadlocks,
};
/// Rows that many want: beyond eight lanes steps wait for locks, and ever more so.
const COLLAPSES_AT_8: Server = Server {
    slowness: |lanes| {
        let beyond = (lanes - 8.0).max(0.0);
        (lanes / 8.0).max(1.0) * (1.0 + 0.05 * beyond)
    },
    locks: 0.9,
    deadlocks: no_deadlocks,
};
/// The same with deadlocks.
const DEADLOCKS_BEYOND_8: Server = Server {
    slowness: |lanes| (lanes / 8.0).max(1.0) * (1.0 + 0.05 * (lanes - 8.0).max(0.0)),
    locks: 0.5,
    deadlocks: |lanes| (lanes - 8.0).max(0.0) * 8.0,
};
/// One row that everybody writes: a second lane already waits for the first.
const ONE_AT_A_TIME: Server = Server {
    slowness: |lanes| lanes,
    locks: 1.0,
    deadlocks: no_deadlocks,
};
/// Nothing is shared.
const ENDLESS: Server = Server {
    slowness: |_| 1.0,
    locks: 0.0,
    deadlocks: no_deadlocks,
};

impl Server {
    fn failing(self, lanes: u32) -> f64 {
        ((self.deadlocks)(f64::from(lanes)) / 1_000.0).min(0.9)
    }

    /// Steps that end well in a second.
    fn throughput(self, lanes: u32) -> f64 {
        let lanes_ = f64::from(lanes);
        let all = lanes_ / (ALONE * (self.slowness)(lanes_)) * 1_000_000.0;
        all * (1.0 - self.failing(lanes))
    }

    fn best(self) -> f64 {
        (1..=MOST)
            .map(|lanes| self.throughput(lanes))
            .fold(0.0, f64::max)
    }

    /// What is seen in a window; `noise` is how much more or less ends in it.
    fn window(self, lanes: u32, noise: f64) -> Window {
        let throughput = self.throughput(lanes) * noise;
        let wanted = f64::from(lanes.saturating_mul(4).max(50));
        let seconds = (wanted / throughput).max(1.0);
        let ended = round(throughput * seconds);
        let each = ALONE * (self.slowness)(f64::from(lanes)) / noise;
        let busy = f64::from(ended) * each;
        let waited = f64::from(ended) * (each - ALONE).max(0.0);
        let failing = self.failing(lanes);
        let conflicts = round(f64::from(ended) * failing / (1.0 - failing));
        Window {
            lanes,
            used: lanes,
            micros: i64::from(round(seconds * 1_000_000.0)),
            lane_micros: i64::from(lanes) * i64::from(round(seconds * 1_000_000.0)),
            steps: [(
                StepId(0),
                Seen {
                    ended,
                    micros: i64::from(round(busy)),
                },
            )]
            .into(),
            attempts: ended + conflicts,
            conflicts,
            busy_micros: i64::from(round(busy)),
            lock_micros: i64::from(round(waited * self.locks)),
            queued: 0,
        }
    }
}

fn round(value: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers of a test, within bounds"
    )]
    let rounded = value.round() as u32;
    rounded
}

/// Evenly between `1 - width` and `1 + width`.
fn noise(seed: u64, window: u32, width: f64) -> f64 {
    let drawn = mix(seed ^ mix(u64::from(window))) % 2_001;
    let drawn = f64::from(u32::try_from(drawn).unwrap_or(0)) / 1_000.0 - 1.0;
    1.0 + width * drawn
}

/// Lives through so many windows; the throughput of each, without its noise, against the best.
fn lived(
    controller: &mut Controller,
    server: Server,
    windows: u32,
    seed: u64,
    width: f64,
) -> Vec<f64> {
    let mut shares = Vec::new();
    for window in 0..windows {
        let lanes = controller.lanes();
        shares.push(server.throughput(lanes) / server.best());
        controller.observe(&server.window(lanes, noise(seed, window, width)));
    }
    shares
}

/// From the window `settled` on, any ten in a row do four fifths of what can be done.
fn assert_near_best(shares: &[f64], settled: usize, what: &str) {
    for (at, ten) in shares.windows(10).enumerate().skip(settled) {
        let mean = ten.iter().sum::<f64>() / 10.0;
        assert!(
            mean >= 0.8,
            "{what}: from window {at} only {mean:.2} of the best is done: {shares:.2?}"
        );
    }
}

#[test]
fn it_finds_the_best_of_every_shape_and_stays_there() {
    let shapes = [
        ("flat at 40", FLAT_AT_40),
        ("flat at 4", FLAT_AT_4),
        ("scales to 22", SCALES_TO_22),
        ("collapses at 8", COLLAPSES_AT_8),
        ("deadlocks beyond 8", DEADLOCKS_BEYOND_8),
        ("one at a time", ONE_AT_A_TIME),
        ("endless", ENDLESS),
    ];
    for (what, server) in shapes {
        for begins in [1, 10, 100] {
            let mut controller = Controller::new(begins, MOST);
            let shares = lived(&mut controller, server, 200, 0, 0.0);
            assert_near_best(&shares, 60, &format!("{what} from {begins}"));
        }
    }
}

#[test]
fn it_finds_it_through_noise() {
    let shapes = [
        ("flat at 40", FLAT_AT_40),
        ("flat at 4", FLAT_AT_4),
        ("scales to 22", SCALES_TO_22),
        ("collapses at 8", COLLAPSES_AT_8),
        ("deadlocks beyond 8", DEADLOCKS_BEYOND_8),
    ];
    for (what, server) in shapes {
        for seed in 0..40 {
            let mut controller = Controller::new(10, MOST);
            let shares = lived(&mut controller, server, 300, seed, 0.1);
            let late = &shares[80..];
            let count = f64::from(u32::try_from(late.len()).unwrap());
            let mean = late.iter().sum::<f64>() / count;
            assert!(mean >= 0.8, "{what}, seed {seed}: {mean:.2}: {shares:.2?}");
        }
    }
}

#[test]
fn it_follows_a_target_that_changes() {
    let shifts = [
        ("down", FLAT_AT_40, COLLAPSES_AT_8),
        ("up", COLLAPSES_AT_8, FLAT_AT_40),
        ("far down", ENDLESS, ONE_AT_A_TIME),
        ("far up", ONE_AT_A_TIME, FLAT_AT_40),
    ];
    for (what, first, second) in shifts {
        let mut controller = Controller::new(10, MOST);
        lived(&mut controller, first, 100, 1, 0.03);
        let shares = lived(&mut controller, second, 200, 2, 0.03);
        assert_near_best(&shares, 60, what);
    }
}

#[test]
fn contention_brings_it_down_and_quiet_brings_it_up() {
    let mut controller = Controller::new(10, MOST);
    lived(&mut controller, ONE_AT_A_TIME, 40, 0, 0.0);
    assert!(controller.lanes() <= 3, "{}", controller.lanes());
    lived(&mut controller, ENDLESS, 100, 0, 0.0);
    assert_eq!(controller.lanes(), MOST);
}

#[test]
fn failures_that_fewer_lanes_do_not_mend_are_not_heard_for_a_while() {
    // Every twentieth attempt fails whatever the lanes.
    const FLAKY: Server = Server {
        slowness: |_| 1.0,
        locks: 0.0,
        deadlocks: |_| 80.0,
    };
    let mut controller = Controller::new(10, MOST);
    let shares = lived(&mut controller, FLAKY, 150, 0, 0.0);
    assert_near_best(&shares, 60, "flaky");
}

/// A folder with nothing but a pipeline.
struct One(String);

impl Files for One {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        Ok((path == ENTRY).then(|| self.0.clone()))
    }
}

#[test]
fn who_does_the_work_says_how_it_begins() {
    let begins = |step: &str, connections: Option<u32>| {
        let text = format!(
            "name = \"p\"\nentities = {{ list = [\"a\"] }}\nlanes = {{ max = \"auto\" }}\n[[stage]]\nname = \"s\"\n[[stage.step]]\nname = \"x\"\n{step}\n\
            [[stage]]\nname = \"all\"\nper = \"process\"\n[[stage.step]]\nname = \"y\"\nsql = \"select 2\"\ntarget = \"other\"\n"
        );
        let loaded = parse(&One(text));
        let plan = Plan::new(
            loaded
                .definition
                .unwrap_or_else(|| panic!("{:?}", loaded.findings)),
        );
        let of = |target: &str| {
            if target == "other" {
                Some(1)
            } else {
                connections
            }
        };
        let begun = beginning(&plan, of, 3);
        (begun.lanes, begun.most, begun.adapts)
    };
    let sql = "sql = \"select 1\"\ntarget = \"w\"";
    assert_eq!(begins(sql, None), (3, 3, false), "SQLite: the cores");
    assert_eq!(
        begins(sql, Some(20)),
        (10, 20, true),
        "as many as connections at most"
    );
    assert_eq!(begins(sql, Some(4)), (4, 4, true));
    assert_eq!(begins(sql, Some(900)), (10, AUTO_MAX, true));
    assert_eq!(begins("command = [\"true\"]", Some(20)), (3, 3, false));
    assert_eq!(
        begins(
            "http = { method = \"GET\", url = \"https://x.example/\" }",
            None
        ),
        (10, AUTO_MAX, true)
    );
}

#[test]
fn a_window_is_ripe_with_enough_of_it_or_when_much_fails() {
    let mut window = FLAT_AT_4.window(10, 1.0);
    assert!(window.is_ripe());
    window.attempts = 49;
    assert!(!window.is_ripe());
    window.conflicts = 10;
    assert!(window.is_ripe());
    window.micros = 999_999;
    assert!(!window.is_ripe());
}

#[test]
fn what_is_somebody_elses_way_is_told_from_what_is_wrong() {
    let error = |class, native: Option<&str>| StepError {
        native: native.map(str::to_owned),
        ..StepError::new("CAR0501", class, "it failed")
    };
    assert!(is_conflict(&error(ErrorClass::Transient, Some("40P01"))));
    assert!(is_conflict(&error(ErrorClass::Transient, Some("429"))));
    assert!(is_conflict(&error(ErrorClass::Timeout, None)));
    assert!(!is_conflict(&error(ErrorClass::Transient, Some("08006"))));
    assert!(!is_conflict(&error(ErrorClass::Transient, None)));
    assert!(!is_conflict(&error(ErrorClass::Permanent, Some("23505"))));
}

#[test]
fn reasons_are_known_by_their_names() {
    for reason in LanesReason::ALL {
        assert_eq!(LanesReason::from_name(reason.name()), Some(reason));
    }
    assert_eq!(LanesReason::from_name("boredom"), None);
}

/// What a window may say, for whatever number of lanes; the first number is the part of them that was used, in thousandths.
type Saying = ((u32, u32, u32, u32), (i64, i64, i64));

fn any_saying() -> impl Strategy<Value = Saying> {
    let counts = (
        prop_oneof![Just(1_000_u32), 0_u32..=1_000],
        0_u32..5_000,
        0_u32..500,
        0_u32..20,
    );
    let times = (1_i64..600_000_000, 0_i64..600_000_000, 0_i64..600_000_000);
    (counts, times)
}

fn said(lanes: u32, saying: Saying) -> Window {
    let ((used, ended, conflicts, queued), (micros, busy_micros, locked)) = saying;
    let seen = Seen {
        ended,
        micros: busy_micros,
    };
    Window {
        lanes,
        used: lanes * used / 1_000,
        micros,
        lane_micros: micros * i64::from(lanes),
        steps: [(StepId(0), seen)].into(),
        attempts: ended + conflicts,
        conflicts,
        busy_micros,
        lock_micros: locked.min(busy_micros),
        queued,
    }
}

proptest! {
    /// Whatever it is told it stays within its bounds, changes from where it stood, and tries more only with every lane in use.
    #[test]
    fn it_keeps_its_bounds(
        begins in 1_u32..400, most in 1_u32..300, sayings in proptest::collection::vec(any_saying(), 1..200)
    ) {
        let mut controller = Controller::new(begins, most);
        for saying in sayings {
            let lanes = controller.lanes();
            let window = said(lanes, saying);
            let Some(change) = controller.observe(&window) else {
                prop_assert_eq!(controller.lanes(), lanes);
                continue;
            };
            prop_assert_eq!((change.from, change.to), (lanes, controller.lanes()));
            prop_assert!(change.to != lanes && change.to >= 1 && change.to <= most);
            prop_assert!(!change.detail.is_empty());
            match change.reason {
                LanesReason::Quiet => {
                    prop_assert!(change.to > lanes);
                    prop_assert!(window.used * 10 >= lanes * 9);
                }
                LanesReason::Locks | LanesReason::Latency | LanesReason::Pool | LanesReason::Conflicts | LanesReason::Spare => {
                    prop_assert!(change.to < lanes);
                }
                LanesReason::NoGain => prop_assert!(change.to < lanes),
                LanesReason::LessDone => prop_assert!(change.to > lanes),
                LanesReason::Unused => {}
                LanesReason::Launched => prop_assert!(false, "only a launch says that"),
            }
        }
    }

    /// Windows of another number, seen before somebody else's change was heard of, change nothing.
    #[test]
    fn windows_of_another_number_say_nothing(lanes in 2_u32..100) {
        let mut controller = Controller::new(lanes, MOST);
        prop_assert_eq!(controller.observe(&FLAT_AT_4.window(lanes - 1, 1.0)), None);
        controller.moved(lanes - 1);
        prop_assert_eq!(controller.lanes(), lanes - 1);
    }
}
