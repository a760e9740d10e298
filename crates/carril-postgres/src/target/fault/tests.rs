//! What goes away by itself, and what does not.

use super::*;

#[test]
fn sqlstates_are_told_apart() {
    use ErrorClass::{Permanent, Transient};
    let table = [
        ("40001", BUSY, Transient),
        ("40P01", BUSY, Transient),
        ("55P03", BUSY, Transient),
        ("53300", BUSY, Transient),
        ("53100", FULL, Transient),
        ("08006", UNREACHABLE, Transient),
        ("57P01", UNREACHABLE, Transient),
        ("57P03", UNREACHABLE, Transient),
        ("25P03", UNREACHABLE, Transient),
        ("58030", UNREACHABLE, Transient),
        ("57014", SQL, Permanent),
        ("23505", SQL, Permanent),
        ("22P02", SQL, Permanent),
        ("42601", SQL, Permanent),
        ("42501", SQL, Permanent),
        ("25006", SQL, Permanent),
        ("25P02", SQL, Permanent),
        ("P0001", SQL, Permanent),
        ("28P01", UNREACHABLE, Permanent),
        ("3D000", UNREACHABLE, Permanent),
        ("XX001", UNREACHABLE, Permanent),
        ("", SQL, Permanent),
    ];
    for (state, code, class) in table {
        assert_eq!(class_of(state), (code, class), "{state}");
    }
}
