//! Tests of reading URLs.

use super::{Address, AddressError};
use tokio_postgres::config::SslMode;

fn read(url: &str) -> Address {
    Address::parse(url).expect("it is a URL")
}

#[test]
fn a_url_is_read_whole() {
    let address = read("postgres://carril:s%40crt@db.example:6543/state?sslmode=require");
    let config = &address.config;
    assert_eq!(config.get_user(), Some("carril"));
    assert_eq!(config.get_password(), Some(&b"s@crt"[..]));
    assert_eq!(config.get_ports(), [6543]);
    assert_eq!(config.get_dbname(), Some("state"));
    assert_eq!(config.get_ssl_mode(), SslMode::Require);
    assert!(config.get_keepalives());
    assert!(config.get_tcp_user_timeout().is_some());
    assert!(config.get_connect_timeout().is_some());
}

#[test]
fn connections_are_a_number() {
    let of = |text: &str| {
        Address::parse(&format!(
            "postgres://u@h/d?connections={text}&sslmode=disable"
        ))
    };
    assert_eq!(read("postgres://u@h/d").connections, None);
    for number in [1, 50, 1_000] {
        let address = of(&number.to_string()).expect("it is a URL");
        assert_eq!(address.connections, Some(number));
        assert_eq!(address.config.get_ssl_mode(), SslMode::Disable);
    }
    for wrong in ["0", "1001", "-1", "many", ""] {
        let error = of(wrong).expect_err("it is no number of connections");
        assert_eq!(error, AddressError::Connections(wrong.to_owned()));
        assert!(error.to_string().contains("from 1 to 1000"), "{error}");
    }
}

#[test]
fn a_password_is_never_shown() {
    for (url, shown) in [
        ("postgres://u:p@h/d", "postgres://u@h/d"),
        (
            "postgres://u:p%2Fq@h:1/d?sslmode=disable",
            "postgres://u@h:1/d?sslmode=disable",
        ),
        (
            "postgresql://u@h/d?password=p&user=u",
            "postgresql://u@h/d?user=u",
        ),
        ("postgres://u:a@b@h/d", "postgres://u@h/d"),
        ("postgres://u:a/b?c@h/d", "postgres://u@h/d"),
        (
            "postgres://u:a@b?c@h/d?sslmode=require",
            "postgres://u@h/d?sslmode=require",
        ),
        // What is no URL to the client, as its `@` is not encoded, is told without its password, too.
        ("postgres://h:5432/d?user=a@b&password=p", "postgres://h@b"),
        (
            "postgres://h/d?user=a@b&password=p",
            "postgres://h/d?user=a@b",
        ),
        (
            "postgres:///d?host=/run&password=p",
            "postgres:///d?host=/run",
        ),
    ] {
        assert_eq!(super::without_password(url), shown, "{url}");
    }
    let address = read("postgres://u:geheim@h/d");
    assert!(!format!("{address:?}").contains("geheim"));
}

#[test]
fn every_password_of_a_url_is_found() {
    for (url, found) in [
        ("postgres://u@h/d?sslmode=disable", &[][..]),
        ("postgres://u:@h/d?password=", &[]),
        ("postgres://u:p%2Fq@h/d", &["p%2Fq"]),
        ("postgres://u:a?b@h/d", &["a?b"]),
        (
            "postgres://h/d?password=one&user=u&password=two",
            &["one", "two"],
        ),
        (
            "postgres://u:${env:A}@h/d?password=${env:B}",
            &["${env:A}", "${env:B}"],
        ),
    ] {
        assert_eq!(super::passwords(url).collect::<Vec<_>>(), found, "{url}");
    }
}

#[test]
fn what_is_no_address_is_told() {
    assert_eq!(
        Address::parse("mysql://h").err(),
        Some(AddressError::Scheme)
    );
    let told = |url: &str| Address::parse(url).expect_err("it is wrong").to_string();
    assert_eq!(
        told("postgres://h/d?sslmode=maybe"),
        "there is no sslmode `maybe`; it is disable, prefer, require, verify-ca or verify-full"
    );
    assert!(
        told("postgres://h:99999/d").contains("port"),
        "{}",
        told("postgres://h:99999/d")
    );
    let told = told("postgres://h/d?sslmode=verify-full&sslrootcert=/nowhere/ca.pem");
    assert!(told.contains("/nowhere/ca.pem"), "{told}");
}

#[test]
fn every_sslmode_is_known() {
    for mode in [
        "disable",
        "allow",
        "prefer",
        "require",
        "verify-ca",
        "verify-full",
    ] {
        read(&format!("postgres://h/d?sslmode={mode}&application_name=x"));
    }
}

#[test]
fn a_name_is_cut_between_letters() {
    let long = "ä".repeat(60);
    let address = read("postgres://h/d").named(&long);
    assert_eq!(
        address.config.get_application_name().map(str::len),
        Some(62)
    );
}
