//! Queries and bodies are read, and slips are told.

use super::{Parameters, body};
use serde::Deserialize;

const NAMES: &[&str] = &["limit", "state", "preview"];

fn read(query: &str) -> Parameters {
    Parameters::of(&format!("/x?{query}").parse().unwrap(), NAMES).unwrap()
}

#[test]
fn a_name_that_is_not_there_is_refused() {
    let uri = "/x?statee=failed".parse().unwrap();
    let refused = Parameters::of(&uri, NAMES).err().unwrap();
    assert_eq!(refused.code, "CAR0907");
}

#[test]
fn lists_are_repeated_or_divided_by_commas() {
    let read = read("state=1&state=2,3");
    assert_eq!(read.all::<u32>("state").unwrap(), [1, 2, 3]);
    assert!(read.one::<u32>("state").is_err(), "one is wanted");
}

#[test]
fn pages_are_bounded() {
    assert_eq!(read("").limit().unwrap(), 50);
    assert_eq!(read("limit=500").limit().unwrap(), 500);
    for wrong in ["limit=0", "limit=501", "limit=-1", "limit=x", "limit="] {
        assert!(read(wrong).limit().is_err(), "{wrong}");
    }
}

#[test]
fn a_switch_is_a_word_or_its_name() {
    assert!(read("preview").switch("preview").unwrap());
    assert!(read("preview=true").switch("preview").unwrap());
    assert!(!read("preview=false").switch("preview").unwrap());
    assert!(read("preview=yes").switch("preview").is_err());
}

#[derive(Deserialize, Default, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
struct Shape {
    number: u32,
}

#[test]
fn an_empty_body_has_no_keys_and_a_wrong_one_is_told() {
    assert_eq!(body::<Shape>(b" ").unwrap(), Shape::default());
    assert_eq!(
        body::<Shape>(b"{\"number\": 3}").unwrap(),
        Shape { number: 3 }
    );
    assert!(body::<Shape>(b"{\"numbre\": 3}").is_err());
    assert!(body::<Shape>(b"[").is_err());
}
