//! The pass against comparing every pair with every other.

use super::*;
use proptest::prelude::*;

fn used(resource: u8, execution: i64, began: i64, micros: i64) -> Use {
    Use {
        resource: format!("r{resource}"),
        execution: ExecutionId(execution),
        entity: None,
        began: Timestamp(began),
        ended: Timestamp(began + micros),
    }
}

proptest! {
    #[test]
    fn the_pass_finds_what_comparing_all_pairs_finds(
        raw in prop::collection::vec((0u8..3, 0i64..6, 0i64..60, 0i64..30), 0..40),
        max in 1usize..50,
    ) {
        let mut uses: Vec<Use> = raw.into_iter().map(|(resource, execution, began, micros)| used(resource, execution, began, micros)).collect();
        uses.sort_by_key(|used| (used.resource.clone(), used.began, used.execution));
        let mut expected: Vec<i64> = Vec::new();
        for (at, first) in uses.iter().enumerate() {
            for second in &uses[at + 1..] {
                let overlap = first.ended.min(second.ended).0 - second.began.0;
                let both = first.resource == second.resource && first.execution != second.execution && first.ended > second.began;
                expected.extend(both.then_some(overlap));
            }
        }
        expected.sort_by_key(|micros| Reverse(*micros));
        expected.truncate(max);
        let mut sweep = Sweep::new(max);
        uses.into_iter().for_each(|used| sweep.take(used));
        let found: Vec<i64> = sweep.longest().iter().map(|row| row.micros).collect();
        prop_assert_eq!(found, expected);
    }
}
