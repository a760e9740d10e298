//! Every SQLSTATE that retry decisions depend on, and the fault that it must become.

use super::of_state;
use carril_model::contract::Fault;

#[test]
fn every_state_becomes_its_fault() {
    let text = || "words".to_owned();
    let cases = [
        (Some("40001"), Fault::Busy(text())),
        (Some("40P01"), Fault::Busy(text())),
        (Some("55P03"), Fault::Busy(text())),
        (Some("57014"), Fault::Busy(text())),
        (Some("53300"), Fault::Busy(text())),
        (Some("23505"), Fault::Conflict(text())),
        (Some("23514"), Fault::Conflict(text())),
        (Some("XX001"), Fault::Corrupt(text())),
        (Some("42P01"), Fault::Corrupt(text())),
        (Some("57P01"), Fault::Unavailable(text())),
        (Some("57P03"), Fault::Unavailable(text())),
        (Some("08006"), Fault::Unavailable(text())),
        (Some("25006"), Fault::Unavailable(text())),
        (Some("25P03"), Fault::Unavailable(text())),
        (Some("53100"), Fault::Unavailable(text())),
        (Some("25P02"), Fault::Unavailable(text())),
        (None, Fault::Unavailable(text())),
    ];
    for (state, expected) in cases {
        assert_eq!(of_state(state, text()), expected, "{state:?}");
    }
}
