//! The plan for missing needs, without a machine.

use super::*;

const TWO: &[Need] = &[
    Need {
        name: "a compiler",
        probe: &["cc"],
        packages: &["gcc", "libc6-dev"],
    },
    Need {
        name: "a database",
        probe: &["db"],
        packages: &["db-15"],
    },
];

#[test]
fn what_is_there_is_not_installed() {
    assert_eq!(plan(TWO, |_| true, true), Plan::Nothing);
    assert_eq!(
        plan(TWO, |need| need.name == "a compiler", true),
        Plan::Install(vec!["db-15"])
    );
}

#[test]
fn without_the_right_to_install_the_command_is_told() {
    let Plan::Ask(what) = plan(TWO, |_| false, false) else {
        panic!("it must ask")
    };
    assert_eq!(
        what,
        "the tests need a compiler and a database; on Debian: `apt-get install gcc libc6-dev db-15`"
    );
}

#[test]
fn every_need_can_be_looked_for_and_installed() {
    for need in NEEDS.iter().chain(BROWSER) {
        assert!(!need.probe.is_empty(), "{}", need.name);
        assert!(!need.packages.is_empty(), "{}", need.name);
    }
}
