//! How engines share a resource, in words and in JSON.

use super::words_of;
use carril::model::contract::{LimitKind, ResourceRow, ShareRow};
use carril::model::id::NodeId;
use carril::shape::{EngineShape, ResourceShape};

fn share(node: i64, kind: LimitKind, granted: u32, wants: u32) -> ShareRow {
    ShareRow {
        kind,
        node: NodeId(node),
        host: "db1".to_owned(),
        command: "carril worker".to_owned(),
        granted,
        wants,
    }
}

#[test]
fn each_engine_is_told_once_with_all_that_it_may_use() {
    let shares = [
        share(2, LimitKind::Rate, 333, 1_000),
        share(7, LimitKind::Rate, 667, 20),
        share(2, LimitKind::Slot, 1, 4),
        share(7, LimitKind::Slot, 0, 0),
    ];
    let engines = EngineShape::all(&shares);
    let words: Vec<String> = engines.iter().map(words_of).collect();
    assert_eq!(
        words,
        [
            "2: 1 slot, 33 % of the rate",
            "7: 0 slots, 66 % of the rate"
        ]
    );
    let row = ResourceRow {
        resource: "desk".to_owned(),
        shares: shares.to_vec(),
        ..ResourceRow::default()
    };
    let told = serde_json::to_value(ResourceShape::of(row, None, None)).expect("it is JSON");
    let first = serde_json::json!({
        "engine": 2, "host": "db1", "command": "carril worker",
        "slots": 1, "slots_wanted": 4, "rate_permille": 333, "rate_permille_wanted": 1_000,
    });
    assert_eq!(told["engines"][0], first);
}

#[test]
fn where_one_engine_has_the_store_nothing_is_told_of_engines() {
    let told = serde_json::to_value(ResourceShape::of(ResourceRow::default(), None, None));
    assert_eq!(told.expect("it is JSON").get("engines"), None);
}
