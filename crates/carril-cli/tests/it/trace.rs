//! What `trace` says that lanes share, and what it says nothing of.

use crate::place::{bench, object};
use serde_json::Value;

fn resources(told: &Value) -> Vec<&str> {
    told["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["resource"].as_str().unwrap())
        .collect()
}

#[test]
fn tables_that_each_lane_has_to_itself_are_not_shared() {
    let bench = bench();
    let file = bench.path("pipeline/pipeline.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    // Without a resource of its own the step would be told by the tables that it writes; and it takes long enough to overlap.
    let slow = "insert into own_rows select :entity_key, :size from (with recursive n(i) as (select 1 union all select i + 1 from n where i < 300000) select max(i) from n)";
    let text = text
        .replace("  resource = \"scales\"\n", "")
        .replace("insert into own_rows select :entity_key, :size", slow);
    std::fs::write(&file, text).unwrap();
    bench.run(&["run"]).with(0);
    let told = object(&bench.run(&["trace", "overlaps", "--json"]).with(0));
    assert!(!resources(&told).contains(&"own_rows"), "{told}");
    let told = object(&bench.run(&["trace", "bottlenecks", "--json"]).with(0));
    let found = resources(&told);
    assert!(!found.contains(&"own_rows"), "{told}");
    assert!(!found.contains(&"total_rows"), "{told}");
    assert!(found.contains(&"size_history"), "{told}");
}

#[test]
fn who_waits_for_a_target_is_told_with_its_uses() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    let told = object(&bench.run(&["trace", "bottlenecks", "--json"]).with(0));
    let row = |name: &str| {
        let rows = told["rows"].as_array().unwrap();
        rows.iter()
            .find(|row| row["resource"] == name)
            .unwrap_or_else(|| panic!("no {name}: {told}"))
    };
    assert_eq!(
        row("warehouse")["accesses"],
        4,
        "three lanes publish, and the process itself"
    );
    assert_eq!(row("scales")["accesses"], 3);
}

/// Every event of an exported trace, read as the format is documented.
fn exported(bench: &crate::place::Bench) -> Vec<Value> {
    let told = object(&bench.run(&["trace", "export", "--perfetto"]).with(0));
    assert_eq!(told["displayTimeUnit"], "ms");
    told["traceEvents"].as_array().unwrap().clone()
}

#[test]
fn an_exported_trace_has_every_step_once_and_slices_that_do_not_cross() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    let events = exported(&bench);
    let of = |ph: &'static str| events.iter().filter(move |event| event["ph"] == ph);
    let mut steps = 0;
    let mut last: std::collections::BTreeMap<i64, i64> = std::collections::BTreeMap::new();
    let named: std::collections::BTreeSet<i64> = of("M")
        .filter(|event| event["name"] == "thread_name")
        .map(|event| event["tid"].as_i64().unwrap())
        .collect();
    for event in of("X") {
        let (tid, ts, dur) = (
            event["tid"].as_i64().unwrap(),
            event["ts"].as_i64().unwrap(),
            event["dur"].as_i64().unwrap(),
        );
        assert!(dur >= 0 && named.contains(&tid), "{event}");
        let before = last.insert(tid, ts + dur).unwrap_or(0);
        assert!(
            before <= ts,
            "slices of one track neither cross nor go back: {event}"
        );
        assert_eq!(event["pid"], 1);
        steps += i64::from(event["cat"] == "step");
    }
    assert_eq!(
        steps,
        bench.store::<i64>("select count(*) from step where attempt > 0")
    );
    let curve: Vec<(i64, i64)> = of("C")
        .map(|event| {
            (
                event["ts"].as_i64().unwrap(),
                event["args"]["lanes"].as_i64().unwrap(),
            )
        })
        .collect();
    assert!(curve.is_sorted_by_key(|(at, _)| *at), "{curve:?}");
    assert!(
        curve.iter().all(|(_, lanes)| (0..=4).contains(lanes)),
        "{curve:?}"
    );
    assert_eq!(
        curve.last().unwrap().1,
        0,
        "nobody is at work at the end: {curve:?}"
    );
    let names = |ph: &'static str| of(ph).map(|event| event["id"].clone()).collect::<Vec<_>>();
    assert_eq!(names("s"), names("f"), "every arrow has two ends");
}

#[test]
fn an_exported_trace_goes_to_a_file_as_a_whole() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    let file = bench.path("trace.json");
    bench
        .run(&[
            "trace",
            "export",
            "1",
            "--perfetto",
            "-o",
            file.to_str().unwrap(),
        ])
        .with(0)
        .saying("ui.perfetto.dev");
    let told: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(told["traceEvents"], Value::from(exported(&bench)));
    assert!(!bench.path("trace.json.part").exists());
    bench
        .run(&["trace", "export", "99", "--perfetto"])
        .with(4)
        .saying("CAR0803");
    bench.run(&["trace", "export"]).with(2);
}
