//! The table of addresses: both ends of every special network, their neighbours, and addresses inside addresses.

use super::*;

fn parsed(text: &str) -> IpAddr {
    text.parse().expect(text)
}

#[test]
fn special_addresses_are_not_public() {
    for text in [
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.0.0",
        "169.254.169.254",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        // IPv4 inside IPv6: mapped, compatible, translated, 6to4, Teredo.
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "::8.8.8.8",
        "64:ff9b::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::808:808",
        "2002:7f00:1::",
        "2002:808:808::",
        "2001::1",
        "2001:1ff:ffff::",
        "2001:db8::1",
        "3fff::1",
        "3fff:fff:ffff::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "100::1",
        "4000::1",
    ] {
        assert!(!is_public(parsed(text)), "{text}");
    }
}

#[test]
fn their_neighbours_are_public() {
    for text in [
        "1.0.0.0",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2003::1",
        "2606:4700::1",
        "3ffe:ffff::1",
        "3fff:1000::1",
    ] {
        assert!(is_public(parsed(text)), "{text}");
    }
}

#[test]
fn networks_have_what_begins_like_them() {
    let cases = [
        ("10.1.2.3", "10.0.0.0", 8, true),
        ("11.1.2.3", "10.0.0.0", 8, false),
        ("10.1.2.3", "10.1.2.3", 32, true),
        ("10.1.2.4", "10.1.2.3", 32, false),
        ("8.8.8.8", "0.0.0.0", 0, true),
        ("::ffff:10.1.2.3", "10.0.0.0", 8, true),
        ("fd12::1", "fd00::", 8, true),
        ("fe12::1", "fd00::", 8, false),
        ("::1", "::", 0, true),
        ("::1", "::1", 128, true),
        ("::2", "::1", 128, false),
        ("::1", "0.0.0.0", 0, false),
        ("127.0.0.1", "::", 0, false),
    ];
    for (address, network, bits, expected) in cases {
        let found = is_within(parsed(address), parsed(network), bits);
        assert_eq!(found, expected, "{address} in {network}/{bits}");
    }
}
