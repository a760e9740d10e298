//! Numbers as people read them.

use super::{count, of, percent};

#[test]
fn thousands_stand_apart() {
    let told: Vec<String> = [0, 7, 999, 1_000, 12_345, 1_234_567]
        .into_iter()
        .map(count)
        .collect();
    assert_eq!(told, ["0", "7", "999", "1,000", "12,345", "1,234,567"]);
}

#[test]
fn one_is_not_many() {
    assert_eq!(of(1, "row", "rows"), "1 row");
    assert_eq!(of(0, "row", "rows"), "0 rows");
    assert_eq!(of(2_000, "row", "rows"), "2,000 rows");
}

#[test]
fn a_share_of_nothing_is_nothing() {
    assert_eq!(percent(1, 0), 0);
    assert_eq!(percent(1, 3), 33);
    assert_eq!(percent(3, 3), 100);
}
