//! Packing, arrows and the curve, without a store.

use super::releases::Releases;
use super::slices::{Curve, Slice, packed};
use super::{Wait, holder_of_lock};
use carril_model::id::ExecutionId;
use carril_model::time::Timestamp;
use serde_json::{Map, Value, json};

fn slice(began: i64, micros: i64) -> Slice {
    Slice {
        name: "a/b".to_owned(),
        kind: "step",
        began,
        micros,
        told: Map::new(),
    }
}

#[test]
fn what_overlaps_gets_a_track_of_its_own() {
    let tracks = packed(vec![
        slice(30, 5),
        slice(0, 10),
        slice(5, 20),
        slice(10, 5),
        slice(15, 0),
    ]);
    let begins: Vec<Vec<i64>> = tracks
        .iter()
        .map(|track| track.iter().map(|slice| slice.began).collect())
        .collect();
    assert_eq!(begins, [vec![0, 10, 15, 30], vec![5]]);
    assert!(packed(Vec::new()).is_empty());
}

#[test]
fn the_curve_counts_lanes_at_work() {
    let mut curve = Curve::new(Timestamp(0), Timestamp(1_999));
    for (began, ended) in [(0, Some(500)), (100, Some(200)), (1_000, None)] {
        curve.add(Some(Timestamp(began)), ended.map(Timestamp));
    }
    curve.add(None, None);
    assert_eq!(
        curve.points(),
        [(0, 1), (100, 2), (201, 1), (501, 0), (1_000, 1)]
    );
}

#[test]
fn an_arrow_goes_to_whoever_gave_it_up_last_and_to_nobody_else() {
    let mut releases = Releases::default();
    let ends = vec![
        (100, ExecutionId(1)),
        (190_000, ExecutionId(2)),
        (200_000, ExecutionId(9)),
    ];
    releases.by_resource.insert("scales".to_owned(), ends);
    let wait = |began: i64, micros: i64, about: &str| Wait {
        cause: "slot".to_owned(),
        about: Some(about.to_owned()),
        step: None,
        began,
        micros,
        holder: None,
        blocker: None,
    };
    let holder = |wait: &Wait| {
        releases
            .holder(ExecutionId(9), wait)
            .map(|(holder, _)| holder.0)
    };
    assert_eq!(
        holder(&wait(150_000, 50_100, "scales")),
        Some(2),
        "its own end is not another's"
    );
    assert_eq!(holder(&wait(150_000, 50_100, "other")), None);
    assert_eq!(
        holder(&wait(195_000, 90_000, "scales")),
        None,
        "too long ago"
    );
}

#[test]
fn the_holder_of_a_lock_is_known_where_it_is_an_execution() {
    let lock = |blocker: Value| {
        json!({
            "target": "warehouse", "table": "rows", "kind": "relation", "mode": "ShareLock", "pid": 7, "since": 5, "blocker": blocker,
        })
    };
    let ours = lock(json!({"who": "execution", "execution": 12, "step": "compute/ipa", "pid": 9}));
    let told = [Value::String(ours.to_string()), ours];
    for told in told {
        assert_eq!(holder_of_lock(&told), Some(ExecutionId(12)), "{told}");
    }
    let prepared = lock(json!({"who": "prepared"}));
    for told in [Value::Null, Value::String("{".to_owned()), prepared] {
        assert_eq!(holder_of_lock(&told), None, "{told}");
    }
}
