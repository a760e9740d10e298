//! The command line: clap's own checks, and what our values take and refuse.

mod documents;
mod flags;

use super::value::{Pair, duration};
use super::{Arguments, Command};
use clap::{CommandFactory as _, Parser as _};
use std::time::Duration;

#[test]
fn clap_finds_no_fault() {
    Arguments::command().debug_assert();
}

#[test]
fn a_pair_splits_at_its_first_sign() {
    let pair: Pair = "warehouse=sqlite:a=b.db".parse().unwrap();
    assert_eq!(
        (pair.name.as_str(), pair.value.as_str()),
        ("warehouse", "sqlite:a=b.db")
    );
    assert!("=x".parse::<Pair>().is_err());
    assert!("x".parse::<Pair>().is_err());
    assert_eq!("x=".parse::<Pair>().unwrap().value, "");
}

#[test]
fn durations_have_a_unit() {
    let cases = [
        ("250ms", 250),
        ("90s", 90_000),
        ("5m", 300_000),
        ("2h", 7_200_000),
    ];
    for (text, millis) in cases {
        assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
    }
    for text in [
        "",
        "5",
        "s",
        "0s",
        "-1s",
        "1d",
        "99999999999999999999h",
        "18446744073709551615h",
    ] {
        assert!(duration(text).is_err(), "{text}");
    }
}

#[test]
fn global_flags_stand_anywhere() {
    for line in [
        ["carril", "--json", "ps", "--store", "x.db"],
        ["carril", "ps", "--store", "x.db", "--json"],
    ] {
        let arguments = Arguments::try_parse_from(line).unwrap();
        assert!(arguments.global.json);
        assert_eq!(arguments.global.store.as_deref(), Some("x.db"));
    }
}

#[test]
fn who_is_meant_is_said_in_one_way() {
    let refused = [
        "carril cancel",
        "carril cancel 1 --process 2",
        "carril rollback --entity A",
        "carril retry --process 1 --entity A --failed",
        "carril run --quiet --verbose",
    ];
    for line in refused {
        assert!(
            Arguments::try_parse_from(line.split(' ')).is_err(),
            "{line}"
        );
    }
    for line in [
        "carril cancel 1",
        "carril retry --process 1 --failed",
        "carril rollback --process 1 --entity A --entity B",
    ] {
        assert!(Arguments::try_parse_from(line.split(' ')).is_ok(), "{line}");
    }
}

#[test]
fn the_holder_of_a_store_is_named_without_values() {
    let line = [
        "carril",
        "run",
        "my folder",
        "--set",
        "password=hidden",
        "--target",
        "a=sqlite:hidden.db",
    ];
    let arguments = Arguments::try_parse_from(line).unwrap();
    assert!(matches!(arguments.command, Command::Run(_)));
    assert_eq!(
        arguments.command.as_people_know_it(),
        "carril run 'my folder'"
    );
}
