//! What entries mean, which are none, and that all addresses of a name count.

use super::*;

fn list(entries: &[&str]) -> AllowList {
    let mut list = AllowList::default();
    for entry in entries {
        list.add(entry).expect(entry);
    }
    list
}

fn may(list: &AllowList, host: &str, port: u16, addresses: &[&str]) -> bool {
    let addresses: Vec<IpAddr> = addresses
        .iter()
        .map(|address| address.parse().expect(address))
        .collect();
    list.check(host, port, &addresses).is_ok()
}

#[test]
fn without_entries_only_public_addresses_may_be_called() {
    let none = AllowList::default();
    assert!(may(&none, "example.org", 443, &["8.8.8.8"]));
    assert!(!may(&none, "localhost", 443, &["127.0.0.1"]));
    // A name that is public at one time and ours at another.
    assert!(!may(&none, "example.org", 443, &["8.8.8.8", "10.0.0.1"]));
    assert!(!may(&none, "example.org", 443, &["10.0.0.1", "8.8.8.8"]));
}

#[test]
fn entries_name_addresses_networks_and_hosts() {
    let cases = [
        ("127.0.0.1", "localhost", 80, "127.0.0.1", true),
        ("127.0.0.1", "localhost", 80, "127.0.0.2", false),
        ("127.0.0.1", "localhost", 80, "::ffff:127.0.0.1", true),
        ("127.0.0.1:8080", "x", 8080, "127.0.0.1", true),
        ("127.0.0.1:8080", "x", 8081, "127.0.0.1", false),
        ("10.0.0.0/8", "x", 1, "10.200.0.1", true),
        ("10.0.0.0/8", "x", 1, "11.0.0.1", true),
        ("10.0.0.0/8", "x", 1, "192.168.0.1", false),
        ("::1", "x", 1, "::1", true),
        ("[::1]:8080", "x", 8080, "::1", true),
        ("[::1]:8080", "x", 8081, "::1", false),
        ("fd00::/8", "x", 1, "fd12::1", true),
        ("billing.internal", "billing.internal", 1, "10.0.0.1", true),
        ("billing.internal", "BILLING.internal.", 1, "10.0.0.1", true),
        (
            "billing.internal",
            "x.billing.internal",
            1,
            "10.0.0.1",
            false,
        ),
        (
            "billing.internal:80",
            "billing.internal",
            80,
            "10.0.0.1",
            true,
        ),
        (
            "billing.internal:80",
            "billing.internal",
            81,
            "10.0.0.1",
            false,
        ),
        ("localhost:80", "localhost", 80, "::1", true),
    ];
    for (entry, host, port, address, expected) in cases {
        let found = may(&list(&[entry]), host, port, &[address]);
        assert_eq!(found, expected, "{entry}: {host}:{port} at {address}");
    }
    assert!(may(
        &list(&["127.0.0.1", "::1"]),
        "localhost",
        80,
        &["127.0.0.1", "::1"]
    ));
}

#[test]
fn what_is_no_entry_is_told() {
    for entry in [
        "",
        "10.0.0.0/33",
        "10.0.0.0/x",
        "::/129",
        "name/8",
        "http://host",
        "host:0",
        "host:x",
        "host:99999",
        "a b",
        "*.internal",
        "a..b",
        "10.0.0",
        "2130706433",
        "[::1",
        "[host]:80",
    ] {
        let error = AllowList::default().add(entry).expect_err(entry);
        assert!(error.contains("is neither"), "{entry}: {error}");
    }
}
