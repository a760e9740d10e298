//! A recorded process played with other numbers, as people ask for it. The model itself is tested where it is.

use crate::place::{Bench, bench};

/// Six lanes, of which each needs the one slot of `feed` once.
const PIPELINE: &str = r#"
name = "prices"
[entities]
list = ["a", "b", "c", "d", "e", "f"]
[lanes]
max = 6
[resource.feed]
slots = 1
[[stage]]
name = "read"
  [[stage.step]]
  name = "rows"
  command = ["true"]
[[stage]]
name = "fetch"
  [[stage.step]]
  name = "quotes"
  resource = "feed"
  command = ["sh", "-c", "sleep 0.05"]
"#;

#[test]
fn a_line_for_each_combination_and_bounds_that_hold() {
    let bench = Bench::new("", PIPELINE);
    bench.run(&["run"]).with(0);
    let asked = [
        "simulate",
        "1",
        "--lanes",
        "1,6",
        "--resource",
        "feed=1,6",
        "--json",
    ];
    let told = bench.run(&asked).with(0).whole_json();
    let predictions = told["predictions"].as_array().unwrap();
    assert_eq!(predictions.len(), 4);
    let of = |lanes: u64, feed: u64| {
        let is =
            |one: &&serde_json::Value| one["lanes"] == lanes && one["resources"]["feed"] == feed;
        predictions.iter().find(is).unwrap()
    };
    let micros = |lanes, feed| of(lanes, feed)["micros"].as_i64().unwrap();
    // One lane never waits for a slot, so that more of them change nothing; six lanes with one slot take at least its use.
    assert_eq!(micros(1, 1), micros(1, 6));
    assert!(
        micros(6, 6) <= micros(6, 1) && micros(6, 1) <= micros(1, 1),
        "{told}"
    );
    assert!(micros(6, 1) >= 6 * 50_000, "{told}");
    assert_eq!(of(1, 6)["bottleneck"], "lanes");
    assert_eq!(told["same"]["micros"], of(6, 1)["micros"]);
    assert_eq!(told["model_micros"], told["same"]["micros"]);
    assert!(told["measured_micros"].as_i64().unwrap() > 0);
    assert_eq!(told["must_not_overlap"], serde_json::json!([]));
    bench
        .run(&["simulate", "1", "--lanes", "12"])
        .with(0)
        .telling("more lanes than were measured");
    bench
        .run(&["simulate", "1"])
        .with(0)
        .telling("measured ")
        .telling(", model ");
}

#[test]
fn what_makes_no_sense_is_told() {
    let bench = bench();
    bench.run(&["simulate", "1"]).with(10);
    bench.run(&["run"]).with(0);
    bench.run(&["simulate", "99"]).with(4);
    bench
        .run(&["simulate", "1", "--resource", "sclaes=2"])
        .with(2)
        .saying("CAR0871")
        .saying("warehouse");
    bench
        .run(&["simulate", "1", "--pool", "warehouse=2"])
        .with(2)
        .saying("CAR0871");
    bench
        .run(&["simulate", "1", "--resource", "scales=0"])
        .with(2)
        .saying("whole numbers from 1 on");
    bench.run(&["simulate", "1", "--lanes", "0"]).with(2);
    // `scales` is a name that limits nothing yet; what one slot of it would cost can be asked.
    bench
        .run(&["simulate", "1", "--resource", "scales=1"])
        .with(0);
}

#[test]
fn what_has_not_ended_is_refused() {
    let bench = bench();
    let running = bench.start(&["run", "--set", "hold=ada"]);
    bench.until_file("waiting");
    bench.run(&["simulate", "1"]).with(6).saying("CAR0870");
    std::fs::write(bench.path("go"), "").unwrap();
    running.end().with(0);
}
