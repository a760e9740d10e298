//! A version is refused by its own numbers alone, and the one to go back to is good, other and the newest.

use super::*;
use proptest::prelude::*;

fn record(version: &str, first: i64, settled: u64, failed: u64) -> VersionRecord {
    let succeeded = settled - failed;
    VersionRecord {
        version: Version(version.to_owned()),
        first_launch: Timestamp(first),
        settled,
        failed,
        succeeded,
        has_succeeded: succeeded > 0,
    }
}

fn version(text: &str) -> Version {
    Version(text.to_owned())
}

#[test]
fn more_than_half_of_at_least_twenty_is_too_many() {
    let cases = [
        (19, 19, false),
        (20, 10, false),
        (20, 11, true),
        (21, 11, true),
        (22, 11, false),
        (0, 0, false),
    ];
    for (settled, failed, expected) in cases {
        let records = [record("new", 5, settled, failed)];
        let refused = refusal(&records, &version("new")).is_some();
        assert_eq!(refused, expected, "{failed} of {settled}");
    }
}

proptest! {
    #[test]
    fn what_could_not_be_bad_is_not(
        settled in 0_u64..60,
        share in 0_u64..=100,
        after in 0_u64..40,
        failed_permille in 0_u32..=1_000,
    ) {
        let failed = settled * share / 100;
        let rule = AbortWhen { failed_permille, after };
        if refusal_by(rule, &[record("new", 5, settled, failed)], &version("new")).is_some() {
            prop_assert!(could_be_bad(rule, failed));
        }
        // And no more is asked than has to be.
        if failed_permille < 1_000 && could_be_bad(rule, failed) && failed >= after.max(1) {
            prop_assert!(record("new", 5, failed, failed).is_bad(rule));
        }
    }
}

#[test]
fn a_refusal_names_its_numbers_and_where_to_go_back_to() {
    let mut records = vec![
        record("11111111aaaa", 1_751_263_205_000_000, 22, 15),
        record("22222222bbbb", 100, 30, 0),
        record("33333333cccc", 200, 30, 1),
        record("44444444dddd", 300, 40, 39),
        record("55555555eeee", 400, 19, 19),
    ];
    let bad = version("11111111aaaa");
    let told = refusal(&records, &bad).map(|refusal| refusal.to_string());
    let expected = "15 of 22 executions of version 11111111 failed in its first two hours, since 2025-06-30 06:00:05 UTC; go back to version 33333333";
    assert_eq!(told.as_deref(), Some(expected));
    // What succeeded later counts for going back, as hours that have been forgotten cannot be asked any more.
    records[4].has_succeeded = true;
    let told = refusal(&records, &bad).and_then(|refusal| refusal.go_back_to);
    assert_eq!(told, Some(version("55555555eeee")));
    records.truncate(1);
    let told = refusal(&records, &bad).map(|refusal| refusal.to_string());
    assert!(
        told.is_some_and(
            |told| told.ends_with("no other version of this pipeline has succeeded yet")
        )
    );
}

proptest! {
    #[test]
    fn only_a_bad_version_is_refused_and_only_a_good_one_is_named(
        numbers in prop::collection::vec((0i64..50, 0u64..60, 0u64..60, any::<bool>()), 1..8),
        which in 0usize..9,
    ) {
        let records: Vec<VersionRecord> = numbers
            .iter()
            .enumerate()
            .map(|(at, (first, one, other, has))| VersionRecord {
                has_succeeded: *has,
                ..record(&format!("v{at}"), *first, (*one).max(*other), (*one).min(*other))
            })
            .collect();
        let asked = version(&format!("v{which}"));
        let own = records.iter().find(|record| record.version == asked);
        let bad = |record: &VersionRecord| record.settled >= 20 && record.failed * 2 > record.settled;
        let found = refusal(&records, &asked);
        prop_assert_eq!(found.is_some(), own.is_some_and(bad));
        let Some(found) = found else { return Ok(()) };
        let good: Vec<&VersionRecord> = records.iter().filter(|record| !bad(record) && record.has_succeeded).collect();
        match found.go_back_to {
            None => prop_assert!(good.is_empty()),
            Some(named) => {
                let named = good.iter().find(|record| record.version == named);
                prop_assert!(named.is_some_and(|named| good.iter().all(|other| other.first_launch <= named.first_launch)));
            }
        }
        let mut turned = records.clone();
        turned.reverse();
        prop_assert_eq!(refusal(&turned, &asked), refusal(&records, &asked));
    }
}
