//! Secrets are drawn, hashed and read.

use super::{Secret, bearer, hash_of};

#[test]
fn a_secret_is_new_each_time_and_is_not_told_by_accident() {
    let (one, two) = (Secret::draw().unwrap(), Secret::draw().unwrap());
    assert_ne!(one.text(), two.text());
    assert_eq!(one.text().len(), "carril_".len() + 64);
    assert_eq!(format!("{one:?}"), "Secret(…)");
}

#[test]
fn the_hash_is_sha_256() {
    // The example of FIPS 180-2.
    assert_eq!(
        hash_of("abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

#[test]
fn only_a_bearer_with_our_prefix_is_one() {
    let cases = [
        ("Bearer carril_12", Some("carril_12")),
        ("bearer  carril_12 ", Some("carril_12")),
        ("Basic carril_12", None),
        ("Bearer 12", None),
        ("carril_12", None),
        ("", None),
    ];
    for (text, secret) in cases {
        assert_eq!(bearer(text), secret, "{text:?}");
    }
}
