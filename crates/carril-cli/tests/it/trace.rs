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
